/** Pools: the largest value or the mean of what a window sees, for each channel. */
import { add, amax, div, gt, maximum, ne, sizeOf, where, type Tensor } from '@rnn/core';
import { denseStrides, walk } from '../host-array.js';
import type { Node } from '../node.js';
import { needed, type Operator, type Operators } from '../operator.js';
import type { Kernel } from '../plan.js';
import { Value } from '../value.js';
import { device } from './common.js';
import { padding, views, windowsOf, type Window } from './windows.js';

/** `join` makes one of what the places of the window see; places, if any, come second. */
function pool(
  node: Node,
  filling: number,
  join: (all: Tensor[], windows: readonly Window[], x: Tensor) => readonly Tensor[],
): Kernel {
  const kernel = node.ints('kernel_shape') ?? node.fail('kernel_shape is missing');
  return {
    run(inputs, around) {
      const value = needed(node, inputs, 0);
      const x = value.on(around.backend);
      const windows = windowsOf(node, x.shape.slice(2), kernel);
      const padded = windows.reduce(
        (t, { before, behind, over }, i) => padding(t, i + 2, before, behind + over, filling),
        x,
      );
      const sizes = windows.map(({ count }) => count);
      if (sizes.includes(0)) node.fail(`the window is larger than the input [${x.shape.join(', ')}]`);
      const results = join(views(padded, windows, sizes), windows, x);
      return results.map((tensor, i) => Value.device(i === 0 ? value.type : 'int64', tensor));
    },
  };
}

/** Of equal values the first one counts, which gets all of the gradient; a NaN stays. */
const larger = (a: Tensor, b: Tensor): Tensor => where(maximum(gt(b, a), ne(b, b)), b, a);

/**
 * The largest values and their places, counted through the whole input; with `storage_order` the
 * first dimension of a window's runs fastest.
 */
function largest(
  node: Node,
  all: readonly Tensor[],
  windows: readonly Window[],
  x: Tensor,
): readonly [values: Tensor, places: Tensor] {
  const [batch, channels, ...spatial] = x.shape;
  const size = sizeOf(spatial);
  const strides = node.flag('storage_order') ? denseStrides(spatial.toReversed()).reverse() : denseStrides(spatial);
  const counts = windows.map(({ count }) => count);
  const offsets = windows.reduce<number[][]>(
    (lists, window) => lists.flatMap((list) => Array.from({ length: window.size }, (_, k) => [...list, k])),
    [[]],
  );
  const grids = offsets.map((offset) => {
    const first = windows.map(({ before, dilation }, i) => offset[i] * dilation - before);
    const start = first.reduce((sum, place, i) => sum + place * strides[i], 0);
    const numbers: number[] = [];
    const steps = windows.map(({ stride }, i) => stride * strides[i]);
    walk(counts, steps, start, (at) => numbers.push(at));
    return Value.of('int64', counts, numbers).on(x.backend);
  });
  let [values, places] = [all[0], grids[0].expand([batch, channels, ...counts])];
  for (let k = 1; k < all.length; k++) {
    const isLarger = maximum(gt(all[k], values), ne(all[k], all[k]));
    values = where(isLarger, all[k], values);
    places = where(isLarger.to('int32'), grids[k], places);
  }
  const rows = Array.from({ length: batch * channels }, (_, row) => row * size);
  const lead = Value.of('int64', [batch, channels, ...new Array<number>(spatial.length).fill(1)], rows);
  return [values, add(places, lead.on(x.backend))];
}

const maxPool: Operator = (node) => {
  const wantsPlaces = (node.outputs[1] ?? '') !== '';
  return pool(node, -Infinity, (all, windows, x) =>
    wantsPlaces ? largest(node, all, windows, x) : [all.reduce(larger)],
  );
};

/**
 * With `count_include_pad` what `pads` add counts as well, but never what only `ceil_mode` adds.
 */
const averagePool: Operator = (node) => {
  const countsPads = node.flag('count_include_pad');
  return pool(node, 0, (all, windows, x) => {
    const rank = windows.length;
    const sum = all.reduce((a, b) => add(a, b));
    const mean = windows.reduce((t, window, i) => {
      const [before, behind] = countsPads ? [window.before, window.behind] : [0, 0];
      const [first, end] = [-before, x.shape[i + 2] + behind];
      const counts = Array.from({ length: window.count }, (_, at) => {
        const seen = Array.from(
          { length: window.size },
          (_, k) => at * window.stride - window.before + k * window.dilation,
        );
        return seen.filter((place) => place >= first && place < end).length;
      });
      if (counts.every((count) => count === counts[0])) return div(t, counts[0]);
      const shape = [window.count, ...new Array<number>(rank - 1 - i).fill(1)];
      return div(t, Value.of('float32', shape, counts).on(x.backend));
    }, sum);
    return [mean];
  });
};

/** All places of each channel at once. */
function overall(reduce: (x: Tensor, dims: readonly number[], keepDims: boolean) => Tensor): Operator {
  return (node) => ({
    run(inputs, around) {
      const x = needed(node, inputs, 0);
      const dims = x.shape.slice(2).map((_, i) => i + 2);
      return device(x.type, reduce(x.on(around.backend), dims, true));
    },
  });
}

export const pools: Operators = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalMaxPool: overall(amax),
  GlobalAveragePool: overall((x, dims, keep) => x.mean(dims, keep)),
};
