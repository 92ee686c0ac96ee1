import type { Options } from 'tsup';
import { leanLibrary } from '../../tooling/tsup.js';

const options: Options = leanLibrary(['src/index.ts']);
export default options;
