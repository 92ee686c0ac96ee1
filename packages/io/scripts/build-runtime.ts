/**
 * Makes what `exportModule` writes into every module: assembly/kernels.ts as WebAssembly in base64,
 * and src/es-module/runtime as JavaScript text, both in src/es-module-runtime.generated.ts.
 */
import asc from 'assemblyscript/asc';
import binaryen from 'assemblyscript/binaryen';
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('..', import.meta.url);
const target = new URL('src/es-module-runtime.generated.ts', root);

/** A digest of all that the file is made of. */
function sources(): string {
  const folders = ['assembly/', 'scripts/', 'src/es-module/runtime/', '../backend-wasm/assembly/'];
  const files = folders.flatMap((folder) => readdirSync(new URL(folder, root)).map((name) => folder + name));
  const hash = createHash('sha256');
  for (const name of [...files, 'src/es-module/plan.ts', '../backend-wasm/src/coefficients.ts'].sort())
    hash.update(`${name}\n${readFileSync(new URL(name, root), 'utf8')}`);
  return hash.digest('hex');
}

async function kernels(): Promise<string> {
  const messages: string[] = [];
  const files = new Map<string, string>();
  const { error } = await asc.main(
    [
      'io/assembly/kernels.ts',
      ['--baseDir', new URL('..', root).pathname],
      ['--textFile', 'kernels.wat'],
      ['--runtime', 'stub'],
      ['--enable', 'simd,nontrapping-f2i'],
      '--importMemory',
      ['--initialMemory', '0'],
      ['--optimizeLevel', '3'],
      ['--shrinkLevel', '1'],
      '--noAssert',
      ['--use', 'abort='],
    ].flat(),
    {
      stderr: { write: (chunk) => void messages.push(String(chunk)) },
      writeFile: (name, contents) => void files.set(name, contents as string),
    },
  );
  const text = files.get('kernels.wat');
  if (error !== null || text === undefined)
    throw new Error(`the kernels do not compile:\n${messages.join('')}`, { cause: error });
  const bytes = assembled(text);
  if (bytes.length > MODULE_AT_MOST)
    throw new Error(`the kernels have ${bytes.length} bytes, expected ${MODULE_AT_MOST}`);
  return Buffer.from(bytes).toString('base64');
}

/**
 * More bytes at once are not compiled on the main thread of a page by Chromium before version 114.
 */
const MODULE_AT_MOST = 4096;

/**
 * Assembles a module in which a vector that comes more than once is a global: a use has 2 bytes,
 * not 18.
 */
function assembled(text: string): Uint8Array {
  const vectors: readonly string[] = text.match(/v128\.const i32x4(?: 0x[0-9a-f]+){4}/g) ?? [];
  const shared = [...new Set(vectors.filter((vector, i) => vectors.indexOf(vector) < i))];
  const globals = shared.map((vector, i) => `(global $vector${i} v128 (${vector}))`).join('\n');
  const code = shared.reduce((rest, vector, i) => rest.replaceAll(vector, `global.get $vector${i}`), text);
  binaryen.setDebugInfo(false);
  // Imports stand in front of globals.
  const module = binaryen.parseText(code.replace(/^ *\(export /m, (found) => `${globals}\n${found}`));
  module.setFeatures(binaryen.Features.All); // asc has checked what may be used
  try {
    if (module.validate() === 0) throw new Error('the kernels do not assemble');
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

async function script(entry: string, globalName: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`src/es-module/runtime/${entry}`, root))],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    globalName,
    platform: 'neutral',
    target: 'es2020',
    legalComments: 'none',
  });
  return outputFiles[0].text.trim();
}

/** Makes the file, unless it is there and made of the sources as they are. */
export async function buildRuntime(): Promise<void> {
  const digest = sources();
  if (existsSync(target) && readFileSync(target, 'utf8').includes(digest)) return;
  const [runtime, extras, bytes] = [
    await script('index.ts', 'runtime'),
    await script('extras.ts', 'extras'),
    await kernels(),
  ];
  const text = (name: string, value: string): string => `export const ${name}: string = ${JSON.stringify(value)};\n`;
  writeFileSync(
    target,
    `/** Made by scripts/build-runtime.ts of ${digest}. */\n${text('runtime', runtime)}${text('extras', extras)}${text('kernels', bytes)}`,
  );
  console.log(`${fileURLToPath(target)}: ${runtime.length} + ${extras.length} characters, ${bytes.length} of kernels`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildRuntime();
