import type { Options } from 'tsup';
import { library } from '../../tooling/tsup.js';

const options: Options = library(['src/index.ts', 'src/csv.ts']);
export default options;
