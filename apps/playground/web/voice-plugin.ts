import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Plugin } from 'vite';

const name = 'virtual:voice-model';
const script = fileURLToPath(new URL('voice-model.ts', import.meta.url));

/** Gives the page's build the module `virtual:voice-model`. */
export function voiceModel(): Plugin {
  return {
    name: 'voice-model',
    resolveId: (id) => (id === name ? `\0${name}` : undefined),
    // In a process of its own, which has the packages as they are built, whoever builds the page.
    load: async (id) => {
      if (id !== `\0${name}`) return undefined;
      const { NODE_OPTIONS: _, ...env } = process.env;
      const { stdout } = await promisify(execFile)(process.execPath, [script], { env, maxBuffer: 16 * 1024 * 1024 });
      return stdout;
    },
  };
}
