import type { Options } from 'tsup';
import { library } from '../../tooling/tsup.js';

const options: Options = library([
  'src/index.ts',
  'src/answers-later.ts',
  'src/node.ts',
  'src/vitest.ts',
  'src/cli.ts',
]);
export default options;
