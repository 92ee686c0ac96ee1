/** A step of any cell as the body of a Scan. */
import type { Tensor } from '@rnn/core';
import type { IrValue } from './ir.js';
import type { Recorder } from './recorder.js';

/** What a loop over time takes besides. */
interface ScanSettings {
  /** [T, B]: which steps are valid. */
  readonly valid?: IrValue | undefined;
  /** [T, B]: where a row starts afresh. */
  readonly resets?: IrValue | undefined;
  readonly reverse: boolean;
}

interface ScanResult {
  /** [T, ...]: the first tensor of each step's state. */
  readonly output: IrValue;
  readonly states: readonly IrValue[];
}

/**
 * Runs a step over a sequence: what it does is written down once.
 *
 * @param step - from an input and a state to the state after, its output first
 * @param xs - [T, ...]
 * @param initial - the state before the first step
 */
export function scanOver(
  recorder: Recorder,
  step: (x: Tensor, state: readonly Tensor[]) => readonly Tensor[],
  xs: IrValue,
  initial: readonly IrValue[],
  { valid, resets, reverse }: ScanSettings,
): ScanResult {
  const { ir } = recorder;
  const inner = ({ type, shape }: IrValue, lead: number): IrValue => ({ type, shape: shape.slice(lead) });
  const before = initial.map((value) => inner(value, 0));
  const x = inner(xs, 1);
  const marks = [valid, resets].map((value) => value && inner(value, 1));
  const spread = (mark: IrValue, like: IrValue): IrValue =>
    ir.reshaped(mark, [mark.shape[0], ...like.shape.slice(1).map(() => 1)]);
  const choose = (mark: IrValue, a: IrValue, b: IrValue): IrValue =>
    ir.node('Where', [spread(mark, a), a, b], a.type, a.shape);
  const [outputs, nodes] = ir.inside(() => {
    const [isValid, isReset] = marks;
    const from = isReset === undefined ? before : before.map((state, i) => choose(isReset, initial[i], state));
    const after = step(
      recorder.zerosOf(x),
      from.map((state) => recorder.zerosOf(state)),
    ).map((tensor) => recorder.valueOf(tensor));
    const zero: IrValue = { type: after[0].type, shape: [], constant: [0] };
    // An output of a body is a value of its own, even where the step hands its state on.
    const own = (value: IrValue): IrValue => ir.node('Identity', [value], value.type, value.shape);
    if (isValid === undefined) return [...after.map(own), own(after[0])];
    return [
      ...after.map((state, i) => choose(isValid, state, from[i])),
      ir.node('Where', [spread(isValid, after[0]), after[0], zero], after[0].type, after[0].shape),
    ];
  });
  const sequences = [xs, valid, resets].filter((value) => value !== undefined);
  const bodyInputs = [...before, x, ...marks.filter((value) => value !== undefined)];
  const states = initial.map(({ type, shape }): IrValue => ({ type, shape }));
  const output: IrValue = { type: outputs[0].type, shape: [xs.shape[0], ...outputs[0].shape] };
  ir.add({
    operator: 'Scan',
    inputs: [...initial, ...sequences],
    outputs: [...states, output],
    attributes: {
      body: { inputs: bodyInputs, nodes, outputs },
      num_scan_inputs: sequences.length,
      ...(reverse ? { scan_input_directions: sequences.map(() => 1), scan_output_directions: [1] } : {}),
    },
  });
  return { output, states };
}
