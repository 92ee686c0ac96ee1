/**
 * Compiles assembly/ with strict and with relaxed SIMD, and once more with strict SIMD to be small,
 * for the lean entry: build/*.wasm, and the same as base64 in src/*.generated.ts, the small ones
 * deflated.
 */
import asc from 'assemblyscript/asc';
import { build as bundle } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type * as Texts from './assembly-functions.js';
import { deflateRawSync } from 'node:zlib';

const root = new URL('..', import.meta.url);

const shared = ['coefficients', 'layout', 'kernels', 'emit/opcodes', 'emit/vectors', 'emit/vector-functions'];
const scripts = ['assembly-functions', 'build-kernels'];

/**
 * A digest of all that the kernels are made of: assembly/, the files of src/ that it shares, and
 * the scripts.
 */
export async function kernelSources(): Promise<string> {
  const written = (await readdir(new URL('assembly/', root))).filter((name) => !name.endsWith('.generated.ts'));
  const hash = createHash('sha256');
  for (const name of [
    ...written.toSorted().map((each) => `assembly/${each}`),
    ...shared.map((each) => `src/${each}.ts`),
    ...scripts.map((each) => `scripts/${each}.ts`),
  ]) {
    hash.update(`${name}\n${await readFile(new URL(name, root), 'utf8')}`);
  }
  return hash.digest('hex');
}

/**
 * Writes assembly/*.generated.ts. The script that says what is in them imports sources as packages
 * do, so it is bundled first.
 */
async function writeFunctions(): Promise<void> {
  const { outputFiles } = await bundle({
    entryPoints: [new URL('scripts/assembly-functions.ts', root).pathname],
    bundle: true,
    write: false,
    format: 'esm',
  });
  const code = Buffer.from(outputFiles[0].contents).toString('base64');
  const { functionsText, kernelsText } = (await import(`data:text/javascript;base64,${code}`)) as typeof Texts;
  await writeFile(new URL('assembly/functions.generated.ts', root), functionsText());
  await writeFile(new URL('assembly/kernels.generated.ts', root), kernelsText());
}

/** Compiles all builds of the kernels. */
export async function buildKernels(): Promise<void> {
  await writeFunctions();
  await mkdir(new URL('build/', root), { recursive: true });
  const sources = await kernelSources();
  for (const build of ['strict', 'relaxed', 'lean']) {
    const outFile = `build/kernels-${build}.wasm`;
    const messages: string[] = [];
    const { error } = await asc.main(
      [
        `assembly/${build === 'lean' ? 'lean' : 'index'}.ts`,
        ['--baseDir', root.pathname],
        ['--outFile', outFile],
        ['--runtime', 'stub'],
        ['--enable', build === 'relaxed' ? 'simd,relaxed-simd' : 'simd'],
        '--importMemory',
        ['--initialMemory', '1'],
        ['--maximumMemory', '65536'],
        ['--memoryBase', '64'],
        ['--optimizeLevel', '3'],
        ['--shrinkLevel', build === 'lean' ? '1' : '0'],
        '--noAssert',
        ['--use', 'abort='],
      ].flat(),
      { stderr: { write: (chunk) => void messages.push(String(chunk)) } },
    );
    if (error !== null) throw new Error(`the kernels do not compile:\n${messages.join('')}`, { cause: error });
    const bytes = await readFile(new URL(outFile, root));
    const isLean = build === 'lean';
    const text = (isLean ? deflateRawSync(bytes, { level: 9 }) : bytes).toString('base64');
    await writeFile(
      new URL(`src/kernels-${build}.generated.ts`, root),
      `/** ${outFile}${isLean ? ' deflated,' : ''} in base64; made by scripts/build-kernels.ts of ${sources}. */\nexport const bytes: string =\n  '${text}';\n`,
    );
    console.log(`${outFile}: ${bytes.length} bytes`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildKernels();
