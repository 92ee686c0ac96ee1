/** Compiles assembly/ twice, with strict and with relaxed SIMD: build/*.wasm, and the same as base64 in src/*.generated.ts. */
import asc from 'assemblyscript/asc';
import { mkdir, readFile, writeFile } from 'node:fs/promises';

const root = new URL('..', import.meta.url);
await mkdir(new URL('build/', root), { recursive: true });

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
    `/** build/kernels-${simd}.wasm in base64; made by scripts/build-kernels.ts. */\nexport const bytes: string =\n  '${bytes.toString('base64')}';\n`,
  );
  console.log(`${outFile}: ${bytes.length} bytes`);
}
