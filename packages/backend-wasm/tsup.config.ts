import { copyFile } from 'node:fs/promises';
import type { Options } from 'tsup';
import { library } from '../../tooling/tsup.js';

const options: Options = {
  ...library(['src/index.ts']),
  onSuccess: async () => {
    for (const simd of ['strict', 'relaxed']) await copyFile(`build/kernels-${simd}.wasm`, `dist/kernels-${simd}.wasm`);
  },
};
export default options;
