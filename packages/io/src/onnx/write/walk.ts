/** Strided walks, which a backend gets, as ONNX's Reshape, Slice, Transpose and Expand. */
import { ArgumentError, sizeOf } from '@rnn/core';
import type { IrBuilder, IrValue } from './ir.js';

/** One dimension of a walk. */
interface Step {
  readonly at: number;
  readonly size: number;
  readonly stride: number;
}

/**
 * The elements of a walk over a value, in the shape of the walk; a dimension that does not move
 * (stride 0) has size 1 unless `isExpanded`.
 *
 * A walk is taken apart by its strides: in order of size they say how the flat value lies in
 * dimensions (the outer stride over the inner one is the inner dimension's length); the offset says
 * where the walk starts in each of them.
 */
export function walkOver(
  ir: IrBuilder,
  x: IrValue,
  { offset, strides }: { readonly offset: number; readonly strides: readonly number[] },
  sizes: readonly number[],
  isExpanded: boolean,
): IrValue {
  const steps = sizes.map((size, at): Step => ({ at, size, stride: strides[at] }));
  const moving = steps
    .filter(({ size, stride }) => stride !== 0 && size > 1)
    .sort((a, b) => Math.abs(b.stride) - Math.abs(a.stride));
  const start = offset + moving.reduce((sum, { size, stride }) => sum + Math.min(0, stride) * (size - 1), 0);
  const total = sizeOf(x.shape);
  // [total / s0, s0 / s1, ..., s_last]: the last one is 1 where neighbours are walked.
  const lengths = [...moving.map(({ stride }) => Math.abs(stride)), 1].map((stride, i) => {
    const outer = i === 0 ? total : Math.abs(moving[i - 1].stride);
    const length = outer / stride;
    if (!Number.isInteger(length)) refuse(sizes, strides);
    return length;
  });
  let value = ir.reshaped(x, lengths[lengths.length - 1] === 1 && moving.length > 0 ? lengths.slice(0, -1) : lengths);
  let rest = start;
  lengths.forEach((length, i) => {
    const stride = i < moving.length ? Math.abs(moving[i].stride) : 1;
    const from = Math.floor(rest / stride);
    rest -= from * stride;
    const count = i < moving.length ? moving[i].size : 1;
    if (from + count > length) refuse(sizes, strides);
    if (i < value.shape.length) value = ir.sliced(value, i, from, count);
  });
  moving.forEach(({ stride }, i) => {
    if (stride < 0) value = ir.node('Slice', [value, [-1], [FAR], [i], [-1]], value.type, value.shape);
  });
  if (value.shape.length > moving.length)
    value = ir.reshaped(
      value,
      moving.map(({ size }) => size),
    );
  const order = moving.map((_, i) => i).sort((a, b) => moving[a].at - moving[b].at);
  value = ir.transposed(value, order);
  const isMoving = (at: number): boolean => moving.some((step) => step.at === at);
  value = ir.reshaped(
    value,
    sizes.map((size, at) => (isMoving(at) ? size : 1)),
  );
  if (!isExpanded || value.shape.every((size, i) => size === sizes[i])) return value;
  return ir.node('Expand', [value, [...sizes]], value.type, [...sizes]);
}

/** Before the beginning of any dimension. */
const FAR = -(2 ** 31);

function refuse(sizes: readonly number[], strides: readonly number[]): never {
  throw new ArgumentError(
    `writeOnnx: a slice with a step does not divide its dimension (sizes [${sizes.join(', ')}], strides [${strides.join(', ')}]), which is not written; expected steps that divide it`,
    { argument: 'model' },
  );
}
