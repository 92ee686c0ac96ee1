import { ArgumentError, ShapeError, showShape, type Tensor } from '@rnn/core';
import { checkNumber, checkOptions, checkTensor, refuse } from '@rnn/core/checks';
import { checkGates } from './fans.js';
import { fillFrom, type FloatArray } from './fill.js';
import type { GainOptions } from './gain.js';

/**
 * A random matrix with orthonormal rows or columns, whichever are fewer: products with it keep the
 * length of a vector, so gradients neither explode nor vanish on their first way through time.
 *
 * @example
 * ```ts
 * init.orthogonal_(gru.weight_hh_l0, { gates: 3 }); // three orthogonal matrices, one below the other
 * ```
 * @param tensor - `[rows, ...]` with at least 2 dimensions, seen as `[rows, columns]`; a leaf
 * @param options - `gain` scales the result; `gates` treats so many stacked matrices one by one;
 *   `generator`
 * @returns the tensor
 *
 * Differs from PyTorch: `gates`. Source: Saxe, McClelland and Ganguli 2013.
 */
export function orthogonal_(tensor: Tensor, options: GainOptions = {}): Tensor {
  checkOptions('orthogonal_', options, names);
  checkTensor('orthogonal_', 'tensor', tensor);
  const { gain = 1, gates = 1 } = options;
  checkNumber('orthogonal_', 'gain', gain, { from: 0 });
  if (tensor.rank < 2) {
    refuse(ShapeError, 'orthogonal_', 'tensor', {
      has: 'shape',
      received: showShape(tensor.shape),
      expected: 'at least two dimensions',
    });
  }
  checkGates('orthogonal_', tensor, gates);
  return fillFrom(
    'orthogonal_',
    tensor,
    options,
    (out, generator) => {
      generator.normal(out, 0, 1);
      const rows = tensor.shape[0] / gates;
      const block = out.length / gates;
      for (let gate = 0; gate < gates; gate++) {
        orthogonalize(out.subarray(gate * block, (gate + 1) * block), rows, rows === 0 ? 0 : block / rows, gain);
      }
    },
    names,
  );
}

const names = ['gain', 'gates', 'generator'];

/**
 * Replaces a matrix by `gain` times the Q of its QR decomposition with a positive diagonal of R; a
 * wide one by that of its transpose.
 * Gram and Schmidt's process in float64; subtracting the projections twice makes it as exact as
 * reflections would.
 */
function orthogonalize(matrix: FloatArray, rows: number, columns: number, gain: number): void {
  const tall = rows >= columns;
  const count = tall ? columns : rows;
  const length = tall ? rows : columns;
  // Element i of vector v: a vector is a column of a tall matrix, a row of a wide one.
  const place = (v: number, i: number): number => (tall ? i * columns + v : v * columns + i);
  const basis: Float64Array[] = [];
  for (let v = 0; v < count; v++) {
    const vector = Float64Array.from({ length }, (_, i) => matrix[place(v, i)]);
    for (let pass = 0; pass < 2; pass++) {
      for (const unit of basis) {
        const along = dot(unit, vector);
        for (let i = 0; i < length; i++) vector[i] -= along * unit[i];
      }
    }
    const norm = Math.sqrt(dot(vector, vector));
    if (norm === 0) {
      refuse(ArgumentError, 'orthogonal_', 'generator', {
        received: 'one of linearly dependent draws',
        expected: 'independent ones',
      });
    }
    for (let i = 0; i < length; i++) {
      vector[i] /= norm;
      matrix[place(v, i)] = vector[i] * gain;
    }
    basis.push(vector);
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
