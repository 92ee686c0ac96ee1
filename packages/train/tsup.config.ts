import type { Options } from 'tsup';
import { withLeanEntry } from '../../tooling/tsup.js';

const options: Options = withLeanEntry('@rnn/nn', { csv: 'src/csv.ts' });
export default options;
