import type { Options } from 'tsup';
import { withLeanEntry } from '../../tooling/tsup.js';

const options: Options = withLeanEntry('@rnn/nn', {
  csv: 'src/csv.ts',
  node: 'src/node.ts',
  'seq2seq/seq2seq': 'src/seq2seq/seq2seq.ts',
});
export default options;
