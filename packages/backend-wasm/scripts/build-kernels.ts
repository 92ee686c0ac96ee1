/** Compiles assembly/ twice, with strict and with relaxed SIMD: build/*.wasm, and the same as base64 in src/*.generated.ts. */
import asc from 'assemblyscript/asc';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const root = new URL('..', import.meta.url);

/** A digest of all that the kernels are made of: assembly/, the files of src/ that it shares, and this script. */
export async function kernelSources(): Promise<string> {
  const names = (await readdir(new URL('assembly/', root))).toSorted().map((name) => `assembly/${name}`);
  const hash = createHash('sha256');
  for (const name of [...names, 'src/coefficients.ts', 'src/layout.ts', 'scripts/build-kernels.ts']) {
    hash.update(`${name}\n${await readFile(new URL(name, root), 'utf8')}`);
  }
  return hash.digest('hex');
}

/** Compiles both kinds of kernels. */
export async function buildKernels(): Promise<void> {
  await mkdir(new URL('build/', root), { recursive: true });
  const sources = await kernelSources();
  for (const simd of ['strict', 'relaxed']) {
    const outFile = `build/kernels-${simd}.wasm`;
    const messages: string[] = [];
    const { error } = await asc.main(
      [
        'assembly/index.ts',
        ['--baseDir', root.pathname],
        ['--outFile', outFile],
        ['--runtime', 'stub'],
        ['--enable', simd === 'relaxed' ? 'simd,relaxed-simd' : 'simd'],
        '--importMemory',
        ['--initialMemory', '1'],
        ['--maximumMemory', '65536'],
        ['--memoryBase', '64'],
        ['--optimizeLevel', '3'],
        ['--shrinkLevel', '0'],
        '--noAssert',
        ['--use', 'abort='],
      ].flat(),
      { stderr: { write: (chunk) => void messages.push(String(chunk)) } },
    );
    if (error !== null) throw new Error(`the kernels do not compile:\n${messages.join('')}`, { cause: error });
    const bytes = await readFile(new URL(outFile, root));
    await writeFile(
      new URL(`src/kernels-${simd}.generated.ts`, root),
      `/** build/kernels-${simd}.wasm in base64; made by scripts/build-kernels.ts of ${sources}. */\nexport const bytes: string =\n  '${bytes.toString('base64')}';\n`,
    );
    console.log(`${outFile}: ${bytes.length} bytes`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildKernels();
