import type { Options } from 'tsup';
import { library } from '../../tooling/tsup.js';

// ONNX has files of its own, so that a page which reads safetensors gets none of it.
const options: Options = library([
  'src/index.ts',
  'src/node.ts',
  'src/cli.ts',
  'src/onnx/read-onnx.ts',
  'src/onnx/write/write-onnx.ts',
]);
export default options;
