import type { Options } from 'tsup';
import { library } from '../../tooling/tsup.js';

const options: Options = library(['src/index.ts']);
export default options;
