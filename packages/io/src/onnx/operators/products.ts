/** Matrix products, convolutions, padding. */
import { add, concat, indexSelect, fromData, full, linear, matmul, mul, type Tensor } from '@rnn/core';
import type { Node } from '../node.js';
import { needed, wholeNumbers, type Operator, type Operators } from '../operator.js';
import type { Kernel } from '../plan.js';
import { Value } from '../value.js';
import { axesOf, axisOf, device, staysOnHost } from './common.js';
import { convolution, transposedConvolution } from './convolution.js';
import { einsum } from './einsum.js';

const matrixProduct: Operator = (node) => ({
  run(inputs, around) {
    const [a, b] = [needed(node, inputs, 0), needed(node, inputs, 1)];
    return device(a.type, matmul(a.on(around.backend), b.on(around.backend)));
  },
});

/** alpha A B + beta C, where A and B may be transposed. */
const gemm: Operator = (node) => {
  const [alpha, beta] = [node.float('alpha', 1), node.float('beta', 1)];
  const [transposeA, transposeB] = [node.flag('transA'), node.flag('transB')];
  return {
    run(inputs, around) {
      const { backend } = around;
      const [a, b, c] = [
        needed(node, inputs, 0).on(backend),
        needed(node, inputs, 1).on(backend),
        inputs[2]?.on(backend),
      ];
      const { type } = needed(node, inputs, 0);
      const isAffine = alpha === 1 && beta === 1 && !transposeA && transposeB;
      if (isAffine && (c === undefined || (c.rank === 1 && c.size === b.shape[0])))
        return device(type, linear(a, b, c));
      const product = matmul(a, b, { transposeA, transposeB });
      const scaled = alpha === 1 ? product : mul(product, alpha);
      if (c === undefined || beta === 0) return device(type, scaled);
      return device(type, add(scaled, beta === 1 ? c : mul(c, beta)));
    },
  };
};

/** Where each place of a padded dimension comes from. */
const sources: Readonly<Record<string, (i: number, size: number) => number>> = {
  edge: (i, size) => Math.min(Math.max(i, 0), size - 1),
  wrap: (i, size) => ((i % size) + size) % size,
  reflect(i, size) {
    const period = Math.max(2 * (size - 1), 1);
    const at = ((i % period) + period) % period;
    return at < size ? at : period - at;
  },
};

/** Places before and behind a dimension; negative numbers cut it. */
function pad(node: Node): Kernel {
  const mode = node.choice('mode', 'constant', ['constant', 'reflect', 'edge', 'wrap']);
  return {
    onHost: [1, 2, 3],
    run(inputs, around) {
      const { backend } = around;
      const x = needed(node, inputs, 0);
      const pads = wholeNumbers(inputs, 1) ?? node.ints('pads') ?? node.fail('the pads are missing');
      const filling = inputs[2]?.host.numbers[0] ?? node.float('value', 0);
      const axes =
        axesOf(node, inputs, 3)?.map((axis) => axisOf(node, axis, x.shape.length)) ?? x.shape.map((_, i) => i);
      if (pads.length !== 2 * axes.length) node.fail(`${pads.length} pads for ${axes.length} dimensions`);
      let result = x.on(backend);
      axes.forEach((axis, i) => {
        const [before, behind] = [pads[i], pads[i + axes.length]];
        if (before === 0 && behind === 0) return;
        const size = result.shape[axis];
        if (mode === 'constant') {
          const cut = result.slice(axis, Math.max(0, -before), size + Math.min(0, behind));
          const extra = (count: number): Tensor[] =>
            count <= 0
              ? []
              : [
                  full(
                    cut.shape.map((s, dim) => (dim === axis ? count : s)),
                    filling,
                    { dtype: cut.dtype, backend: cut.backend },
                  ),
                ];
          result = concat([...extra(before), cut, ...extra(behind)], axis);
          return;
        }
        const places = Int32Array.from({ length: Math.max(0, before + size + behind) }, (_, at) =>
          sources[mode](at - before, size),
        );
        result = indexSelect(result, axis, fromData(places, [places.length], { dtype: 'int32', backend }));
      });
      return device(x.type, result);
    },
  };
}

/** A triangle of matrices: what lies on the other side of a diagonal becomes 0. */
const triangle: Operator = (node) => ({
  onHost: [1],
  run(inputs, around) {
    const x = needed(node, inputs, 0);
    const [rows, columns] = x.shape.slice(-2);
    const k = wholeNumbers(inputs, 1)?.[0] ?? 0;
    const isUpper = node.int('upper', 1) !== 0;
    const keeps = (row: number, column: number): boolean => (isUpper ? column - row >= k : column - row <= k);
    const marks = Array.from({ length: rows * columns }, (_, i) => Number(keeps(Math.floor(i / columns), i % columns)));
    const mask = Value.host({ type: x.type, shape: [rows, columns], numbers: marks });
    if (staysOnHost([x], x.size)) {
      const { numbers } = x.host;
      return [
        Value.host({ ...x.host, numbers: Array.from(numbers, (n, i) => (marks[i % marks.length] === 0 ? 0 : n)) }),
      ];
    }
    return device(x.type, mul(x.on(around.backend), mask.on(around.backend)));
  },
});

export const products: Operators = {
  MatMul: matrixProduct,
  Gemm: gemm,
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  Einsum: einsum,
  Pad: pad,
  Trilu: triangle,
};
