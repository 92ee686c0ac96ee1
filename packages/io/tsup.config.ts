import type { Options } from 'tsup';
import { library } from '../../tooling/tsup.js';

// ONNX and exported modules have files of their own, so that a page which reads safetensors gets
// none of them.
const options: Options = library([
  'src/index.ts',
  'src/node.ts',
  'src/cli.ts',
  'src/es-module/export-module.ts',
  'src/onnx/read-onnx.ts',
  'src/onnx/write/write-onnx.ts',
]);
export default options;
