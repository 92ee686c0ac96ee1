import { copyFile } from 'node:fs/promises';
import type { Options } from 'tsup';
import { leanLibrary } from '../../tooling/tsup.js';

const options: Options = {
  ...leanLibrary(['src/index.ts', 'src/lean.ts']),
  onSuccess: async () => {
    for (const file of ['kernels-strict.wasm', 'kernels-relaxed.wasm', 'worker.js'])
      await copyFile(`build/${file}`, `dist/${file}`);
  },
};
export default options;
