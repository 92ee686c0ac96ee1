import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import { packCases } from './src/demos/conformance/case-pack.ts';

/** Where the page asks for the cases. */
const name = 'reference-cases.bin';

/** Puts the reference cases of `@rnn/conformance`, hundreds of files, beside the page as one. */
export function referenceCases(): Plugin {
  return {
    name: 'reference-cases',
    configureServer: ({ middlewares }) => {
      middlewares.use(`/${name}`, (_request, response, next) => {
        packed().then((content) => response.end(content), next);
      });
    },
    async generateBundle() {
      this.emitFile({ type: 'asset', fileName: name, source: await packed() });
    },
  };
}

async function packed(): Promise<Uint8Array<ArrayBuffer>> {
  const folder = dirname(fileURLToPath(import.meta.resolve('@rnn/conformance/cases/manifest.json')));
  const names = (await readdir(folder)).filter((file) => /\.(?:safetensors|json)$/.test(file)).sort();
  return packCases(await Promise.all(names.map(async (file) => [file, await readFile(join(folder, file))] as const)));
}
