/** Makes one script without imports of src/threads/worker.ts: build/worker.js, and the same as text in src/worker.generated.ts. */
import { build } from 'esbuild';
import { mkdir, writeFile } from 'node:fs/promises';

const root = new URL('..', import.meta.url);
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
await writeFile(new URL('build/worker.js', root), text);
await writeFile(
  new URL('src/worker.generated.ts', root),
  `/** build/worker.js as text; made by scripts/build-worker.ts. */\nexport const source: string =\n  ${JSON.stringify(text)};\n`,
);
console.log(`build/worker.js: ${text.length} bytes`);
