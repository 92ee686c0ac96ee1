/**
 * Makes one script without imports of src/threads/worker.ts: build/worker.js, and the same as text
 * in src/worker.generated.ts.
 */
import { build } from 'esbuild';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const root = new URL('..', import.meta.url);

/** Makes the script; leaves files that are right already as they are. */
export async function buildWorker(): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: [new URL('src/threads/worker.ts', root).pathname],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    platform: 'neutral',
    target: 'es2022',
    legalComments: 'none',
  });
  const [{ text }] = outputFiles;
  await mkdir(new URL('build/', root), { recursive: true });
  const source = `/** build/worker.js as text; made by scripts/build-worker.ts. */\nexport const source: string =\n  ${JSON.stringify(text)};\n`;
  for (const [name, content] of [
    ['build/worker.js', text],
    ['src/worker.generated.ts', source],
  ]) {
    const file = new URL(name, root);
    if (!existsSync(file) || readFileSync(file, 'utf8') !== content) await writeFile(file, content);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildWorker();
