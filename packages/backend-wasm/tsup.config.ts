import { copyFile } from 'node:fs/promises';
import type { Options } from 'tsup';
import { library } from '../../tooling/tsup.js';

const options: Options = {
  ...library(['src/index.ts', 'src/lean.ts']),
  onSuccess: async () => {
    for (const file of ['kernels-strict.wasm', 'kernels-relaxed.wasm', 'worker.js'])
      await copyFile(`build/${file}`, `dist/${file}`);
  },
};
export default options;
