/** Pools: the largest value or the mean of what a window sees, for each channel. */
import { add, amax, div, gt, maximum, ne, where, type Tensor } from '@rnn/core';
import { hostArray } from '../host-array.js';
import type { Node } from '../node.js';
import { needed, type Operator, type Operators } from '../operator.js';
import type { Kernel } from '../plan.js';
import { Value } from '../value.js';
import { device } from './common.js';
import { padding, views, windowsOf, type Window } from './windows.js';

/** `join` makes one of what the places of the window see. */
function pool(
  node: Node,
  filling: number,
  join: (all: Tensor[], windows: readonly Window[], x: Tensor) => Tensor,
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
      return device(value.type, join(views(padded, windows, sizes), windows, x));
    },
  };
}

/** Of equal values the first one counts, which gets all of the gradient; a NaN stays. */
const larger = (a: Tensor, b: Tensor): Tensor => where(maximum(gt(b, a), ne(b, b)), b, a);

const maxPool: Operator = (node) => {
  if ((node.outputs[1] ?? '') !== '') node.fail('the places of the largest values are not computed here');
  return pool(node, -Infinity, (all) => all.reduce(larger));
};

/**
 * With `count_include_pad` what `pads` add counts as well, but never what only `ceil_mode` adds.
 */
const averagePool: Operator = (node) => {
  const countsPads = node.flag('count_include_pad');
  return pool(node, 0, (all, windows, x) => {
    const rank = windows.length;
    const sum = all.reduce((a, b) => add(a, b));
    return windows.reduce((t, window, i) => {
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
      return div(t, Value.host(hostArray('float32', shape, counts)).on(x.backend));
    }, sum);
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
