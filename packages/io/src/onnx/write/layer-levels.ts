/** One level of RNN, GRU or LSTM: ONNX's operator, or a Scan where that has no such layer. */
import { linear, type Tensor } from '@rnn/core';
import { GRU, LSTM, type Parameter, type RNN } from '@rnn/nn';
import { scanOver } from './cell-scan.js';
import type { IrAttribute, IrValue } from './ir.js';
import { validSteps } from './read-lengths.js';
import type { Recorder } from './recorder.js';

export type Layer = LSTM | GRU | RNN;

/** Gates in ONNX's order, and the operator. */
function kindOf(layer: Layer): { operator: string; gates: readonly number[]; attributes: Record<string, IrAttribute> } {
  if (layer instanceof LSTM) return { operator: 'LSTM', gates: [0, 3, 1, 2], attributes: {} };
  if (layer instanceof GRU)
    return { operator: 'GRU', gates: [1, 0, 2], attributes: { linear_before_reset: layer.resetAfter ? 1 : 0 } };
  const name = layer.nonlinearity === 'relu' ? 'Relu' : 'Tanh';
  return { operator: 'RNN', gates: [0], attributes: { activations: layer.bidirectional ? [name, name] : [name] } };
}

/** One layer, both directions of it. */
interface Level {
  readonly layer: Layer;
  readonly path: string;
  readonly level: number;
  /** [T, B, I] */
  readonly x: IrValue;
  /** [directions, B, width] each, or none. */
  readonly initial: readonly IrValue[];
  readonly lengths: IrValue | undefined;
  readonly widths: readonly number[];
}

type LevelResult = readonly [output: IrValue, states: readonly IrValue[]];

export function operatorLevel(
  recorder: Recorder,
  { layer, path, level, x, initial, lengths, widths }: Level,
): LevelResult {
  const { ir } = recorder;
  const { operator, gates, attributes } = kindOf(layer);
  const suffixes = layer.bidirectional ? [`_l${level}`, `_l${level}_reverse`] : [`_l${level}`];
  const directions = suffixes.length;
  const hidden = layer.hiddenSize;
  const weight = (names: readonly `${'weight' | 'bias'}_${string}`[], shape: readonly number[]): IrValue => {
    const parts = suffixes.flatMap((suffix) =>
      names.map((name) => numbersOf(recorder, layer[`${name}${suffix}`], gates)),
    );
    const name = `${path === '' ? '' : `${path}.`}${names[0]}_l${level}`;
    return { type: x.type, shape, constant: parts.flat(), name };
  };
  const rows = gates.length * hidden;
  const inputs = [
    x,
    weight(['weight_ih'], [directions, rows, x.shape[2]]),
    weight(['weight_hh'], [directions, rows, hidden]),
    layer.bias ? weight(['bias_ih', 'bias_hh'], [directions, 2 * rows]) : undefined,
    lengths && ir.cast(lengths, 'int32'),
    ...initial,
  ];
  while (inputs[inputs.length - 1] === undefined) inputs.pop();
  const [steps, batch] = x.shape;
  const y: IrValue = { type: x.type, shape: [steps, directions, batch, hidden] };
  const states = (operator === 'LSTM' ? [0, 1] : [0]).map((): IrValue => ({
    type: x.type,
    shape: [directions, batch, widths[0]],
  }));
  const direction = layer.bidirectional ? 'bidirectional' : 'forward';
  ir.add({ operator, inputs, outputs: [y, ...states], attributes: { ...attributes, hidden_size: hidden, direction } });
  const output = ir.reshaped(ir.transposed(y, [0, 2, 1, 3]), [steps, batch, directions * hidden]);
  return [output, states];
}

/** The numbers of a weight with its gates in another order. */
function numbersOf(recorder: Recorder, parameter: Parameter, gates: readonly number[]): number[] {
  const numbers = Array.from(recorder.paused(() => parameter.dataSync()));
  const size = numbers.length / gates.length;
  return gates.flatMap((gate) => numbers.slice(gate * size, (gate + 1) * size));
}

/** ONNX's LSTM has no projection: one Scan for each direction. */
export function projectedLevel(recorder: Recorder, { layer, level, x, initial, lengths, widths }: Level): LevelResult {
  const { ir } = recorder;
  const [steps, batch] = x.shape;
  const suffixes = layer.bidirectional ? [`_l${level}`, `_l${level}_reverse`] : [`_l${level}`];
  const runs = suffixes.map((suffix, d) => {
    const start = widths.map((width, i) =>
      initial.length === 0
        ? ir.node('Expand', [{ type: x.type, shape: [], constant: [0] }, [batch, width]], x.type, [batch, width])
        : ir.reshaped(ir.sliced(initial[i], 0, d, 1), [batch, width]),
    );
    const bias = (name: 'bias_ih' | 'bias_hh'): Tensor | undefined =>
      layer.bias ? layer[`${name}${suffix}`] : undefined;
    const step = (input: Tensor, [h, c]: readonly Tensor[]): readonly Tensor[] => {
      const sums = linear(input, layer[`weight_ih${suffix}`], bias('bias_ih'));
      const [i, f, g, o] = sums.add(linear(h, layer[`weight_hh${suffix}`], bias('bias_hh'))).chunk(4, -1);
      const next = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
      return [linear(o.sigmoid().mul(next.tanh()), layer[`weight_hr${suffix}`]), next];
    };
    const valid = lengths && validSteps(recorder.ir, lengths, steps);
    return scanOver(recorder, step, x, start, { valid, reverse: d === 1 });
  });
  const [first, second] = runs;
  const shape = [steps, batch, widths[0] * runs.length];
  const output =
    second === undefined ? first.output : ir.node('Concat', [first.output, second.output], x.type, shape, { axis: 2 });
  const states = widths.map((width, i) => {
    const parts = runs.map(({ states: last }) => ir.reshaped(last[i], [1, batch, width]));
    return parts.length === 1 ? parts[0] : ir.node('Concat', parts, x.type, [parts.length, batch, width], { axis: 0 });
  });
  return [output, states];
}
