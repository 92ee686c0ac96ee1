/** Scan: a graph over the steps of sequences. */
import { concat, stack, zeros, type Tensor } from '@rnn/core';
import type { Node } from '../node.js';
import { needed, type Operators } from '../operator.js';
import type { Kernel } from '../plan.js';
import { Value } from '../value.js';
import { bodyScan, type BodyScan } from './body-scan.js';
import { axisOf, toFront } from './common.js';

/** Where time lies in a tensor, and which way it is walked. */
interface Course {
  readonly axis: number;
  readonly isReverse: boolean;
}

function courses(node: Node, axes: string, directions: string, count: number): Course[] {
  const [axisList, directionList] = [node.ints(axes) ?? [], node.ints(directions) ?? []];
  return Array.from({ length: count }, (_, i) => ({
    axis: axisList[i] ?? 0,
    isReverse: (directionList[i] ?? 0) !== 0,
  }));
}

function scanOperator(node: Node): Kernel {
  const body = node.graph('body');
  const isOld = node.opset < 9;
  const sequences = node.int('num_scan_inputs') ?? node.fail('num_scan_inputs is missing');
  const states = node.inputs.length - sequences - Number(isOld);
  const made = body.outputs.length - states;
  if (sequences < 1 || states < 0 || made < 0 || body.inputs.length !== states + sequences) {
    node.fail('the inputs and outputs of its body do not fit those of the node');
  }
  const directed = isOld ? 'directions' : 'scan_input_directions';
  const inputs = courses(node, 'scan_input_axes', directed, sequences);
  const outputs = courses(node, 'scan_output_axes', 'scan_output_directions', made);
  const loop = onCourse(node, bodyScan(body), inputs, outputs);
  if (isOld) return batchedScan(node, loop, states);
  return {
    run(values, around) {
      const all = node.inputs.map((_, i) => needed(node, values, i));
      return loop(all.slice(0, states), all.slice(states), around);
    },
  };
}

/** A loop over tensors in which time may lie elsewhere than in front, or run backwards. */
function onCourse(node: Node, loop: BodyScan, inputs: readonly Course[], outputs: readonly Course[]): BodyScan {
  return (states, sequences, around) => {
    const xs = sequences.map((value, i) => {
      const { axis, isReverse } = inputs[i];
      const tensor = value.on(around.backend);
      const first = toFront(tensor, axisOf(node, axis, tensor.rank));
      return Value.device(value.type, isReverse ? first.flip(0) : first);
    });
    if (xs.some(({ size }) => size === 0)) node.fail('a sequence has no elements, expected at least one step');
    const results = loop(states, xs, around);
    const ys = results.slice(states.length).map((value, i) => {
      const { axis, isReverse } = outputs[i];
      const tensor = value.on(around.backend);
      return Value.device(value.type, fromFront(isReverse ? tensor.flip(0) : tensor, axisOf(node, axis, tensor.rank)));
    });
    return [...results.slice(0, states.length), ...ys];
  };
}

function fromFront(tensor: Tensor, axis: number): Tensor {
  if (axis === 0) return tensor;
  const rest = tensor.shape.map((_, i) => i).slice(1);
  return tensor.permute([...rest.slice(0, axis), 0, ...rest.slice(axis)]);
}

/**
 * Version 8: a batch in front of everything, and lengths of its rows. Each row is a loop of its
 * own.
 */
function batchedScan(node: Node, loop: BodyScan, states: number): Kernel {
  return {
    onHost: [0],
    run(inputs, around) {
      const { backend } = around;
      const lengths = inputs[0]?.host.numbers;
      const values = node.inputs.slice(1).map((_, i) => needed(node, inputs, i + 1));
      const tensors = values.map((value) => value.on(backend));
      const steps = tensors[states].shape[1];
      const rows = Array.from({ length: tensors[0].shape[0] }, (_, row) => {
        const length = lengths?.[row] ?? steps;
        const parts = tensors.map((tensor, i) => {
          const own = tensor.select(0, row);
          return Value.device(values[i].type, i < states ? own : own.slice(0, 0, length));
        });
        const results = loop(parts.slice(0, states), parts.slice(states), around);
        return results.map((value, i) => {
          const tensor = value.on(backend);
          const missing = i < states ? 0 : steps - length;
          if (missing === 0) return value;
          const none = zeros([missing, ...tensor.shape.slice(1)], { dtype: tensor.dtype, backend });
          return Value.device(value.type, concat([tensor, none]));
        });
      });
      return rows[0].map(({ type }, i) => Value.device(type, stack(rows.map((row) => row[i].on(backend)))));
    },
  };
}

export const scans: Operators = { Scan: scanOperator };
