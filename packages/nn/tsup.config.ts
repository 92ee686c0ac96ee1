import type { Options } from 'tsup';
import { withLeanEntry } from '../../tooling/tsup.js';

const options: Options = withLeanEntry('./whole.js', { whole: 'src/whole.ts', 'init/index': 'src/init/index.ts' });
export default options;
