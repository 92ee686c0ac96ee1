/** The operator table. */
import type { Operators } from '../operator.js';
import { branches } from './branch.js';
import { comparison } from './comparison.js';
import { elementwise } from './elementwise.js';
import { indexing } from './indexing.js';
import { loops } from './loop.js';
import { movement } from './movement.js';
import { normalisation } from './normalisation.js';
import { pools } from './pooling.js';
import { products } from './products.js';
import { recurrentOperators } from './recurrent.js';
import { reduce } from './reduce.js';
import { resizing } from './resize.js';
import { scans } from './scan-operator.js';
import { scatters } from './scatter.js';
import { shapes } from './shape.js';

/** Every operator that is read, by its name in ONNX's own domain. */
export const operators: Operators = {
  ...recurrentOperators,
  ...scans,
  ...loops,
  ...branches,
  ...products,
  ...pools,
  ...normalisation,
  ...elementwise,
  ...comparison,
  ...reduce,
  ...resizing,
  ...movement,
  ...indexing,
  ...scatters,
  ...shapes,
};
