/** Picking by index. */
import { fromData, gather, indexSelect, reshape, sizeOf, type Tensor } from '@rnn/core';
import { isKnownIndex } from '@rnn/core/checks';
import type { Node } from '../node.js';
import { needed, type Operator, type Operators } from '../operator.js';
import type { Inputs, Kernel, Surroundings } from '../plan.js';
import { Value } from '../value.js';
import { axisOf, device, placeOf, staysOnHost } from './common.js';

function checkedIndices(node: Node, indices: Value, size: number): Int32Array {
  return Int32Array.from(indices.host.numbers, (index) => placeOf(node, index, size));
}

/** Indices are needed on the host, as negative ones count from the end, unless there are none. */
const unknownIndices =
  (node: Node) =>
  (inputs: Inputs): readonly number[] => {
    const [x, indices] = [needed(node, inputs, 0), needed(node, inputs, 1)];
    return isTokens(x, indices, axisOf(node, node.int('axis', 0), x.shape.length)) ? [] : [1];
  };

/**
 * Whether indices on a device, such as tokens that are given to a model, can be used as they are.
 */
function isTokens(x: Value, indices: Value, axis: number): boolean {
  const { tensor } = indices;
  return !x.isHost && !indices.hasNumbers && tensor !== undefined && isKnownIndex(tensor, x.shape[axis]);
}

/** Whole places of one dimension; the dimensions of the indices come in its place. */
const gatherPlaces: Operator = (node) => ({
  onHost: unknownIndices(node),
  run(inputs, around) {
    const [x, indices] = [needed(node, inputs, 0), needed(node, inputs, 1)];
    const axis = axisOf(node, node.int('axis', 0), x.shape.length);
    if (isTokens(x, indices, axis)) {
      const tokens = indices.on(around.backend);
      const rows = indexSelect(x.on(around.backend), axis, tokens.reshape([tokens.size]));
      return device(x.type, rows.reshape([...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]));
    }
    const places = checkedIndices(node, indices, x.shape[axis]);
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    if (staysOnHost([x], sizeOf(shape))) return [gatheredOnHost(x, axis, places, shape)];
    const tensor = x.on(around.backend);
    if (indices.size === 1) return device(x.type, tensor.slice(axis, places[0], places[0] + 1).reshape(shape));
    return device(x.type, reshape(indexSelect(tensor, axis, uploaded(places, [places.length], around)), shape));
  },
});

function gatheredOnHost(x: Value, axis: number, places: Int32Array, shape: readonly number[]): Value {
  const { numbers } = x.host;
  const [outer, size] = [sizeOf(x.shape.slice(0, axis)), x.shape[axis]];
  const inner = sizeOf(x.shape.slice(axis + 1));
  const picked: number[] = [];
  for (let row = 0; row < outer; row++) {
    for (const place of places) {
      for (let i = 0; i < inner; i++) picked.push(numbers[(row * size + place) * inner + i]);
    }
  }
  return Value.of(x.type, shape, picked);
}

function uploaded(places: Int32Array, shape: readonly number[], { backend }: Surroundings): Tensor {
  return fromData(places, shape, { dtype: 'int32', backend });
}

const gatherElements: Operator = (node) => ({
  onHost: [1],
  run(inputs, around) {
    const [x, indices] = [needed(node, inputs, 0), needed(node, inputs, 1)];
    const axis = axisOf(node, node.int('axis', 0), x.shape.length);
    const places = checkedIndices(node, indices, x.shape[axis]);
    return device(x.type, gather(x.on(around.backend), axis, uploaded(places, indices.shape, around)));
  },
});

/** The first steps of each row in reverse, each row by its own length. */
function reverseSequence(node: Node): Kernel {
  const [batchAxis, timeAxis] = [node.int('batch_axis', 1), node.int('time_axis', 0)];
  if (batchAxis + timeAxis !== 1 || batchAxis * timeAxis !== 0)
    node.fail('expected batch and time as the first two axes');
  return {
    onHost: [1],
    run(inputs, around) {
      const [x, lengths] = [needed(node, inputs, 0), needed(node, inputs, 1)];
      const [first, second] = x.shape;
      const places = Int32Array.from({ length: first * second }, (_, i) => {
        const place = [Math.floor(i / second), i % second];
        const [t, row] = [place[timeAxis], place[batchAxis]];
        const length = lengths.host.numbers[row];
        place[timeAxis] = t < length ? length - 1 - t : t;
        return place[0] * second + place[1];
      });
      const rows = x.on(around.backend).reshape([first * second, ...x.shape.slice(2)]);
      return device(x.type, indexSelect(rows, 0, uploaded(places, [places.length], around)).reshape(x.shape));
    },
  };
}

export const indexing: Operators = {
  Gather: gatherPlaces,
  GatherElements: gatherElements,
  ReverseSequence: reverseSequence,
};
