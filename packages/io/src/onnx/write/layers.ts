/**
 * Recurrent layers as ONNX's operators: RNN, GRU and LSTM where they say the same, Scan for every
 * other cell.
 */
import { ArgumentError, Tensor, type Lengths, type Tensors } from '@rnn/core';
import {
  Bidirectional,
  GRU,
  LSTM,
  Recurrent,
  RNN,
  StackedCells,
  type BidirectionalForwardOptions,
  type Cell,
  type Module,
  type RecurrentForwardOptions,
  type SequenceOptions,
} from '@rnn/nn';
import { scanOver } from './cell-scan.js';
import type { IrValue } from './ir.js';
import { operatorLevel, projectedLevel, type Layer } from './layer-levels.js';
import type { Recorder } from './recorder.js';
import { validSteps } from './read-lengths.js';

/** Replaces what recurrent layers of a model do, while a function runs. */
export function withLayers<R>(model: Module, recorder: Recorder, fn: () => R): R {
  const replaced: Module[] = [];
  const paths = new Map(model.namedModules().map(([path, module]) => [module, path]));
  const replace = (module: Module, forward: (original: never) => unknown): void => {
    const original = (module as { forward: unknown }).forward;
    const value = (...args: unknown[]): unknown =>
      recorder.isPaused
        ? (original as (...list: unknown[]) => unknown).apply(module, args)
        : (forward(original as never) as (...list: unknown[]) => unknown)(...args);
    Object.defineProperty(module, 'forward', { value, configurable: true, enumerable: false });
    replaced.push(module);
  };
  try {
    for (const [module, path] of paths) {
      if (module instanceof LSTM || module instanceof GRU || module instanceof RNN) {
        replace(module, (original) => layerForward(recorder, module, path, original));
      } else if (module instanceof Recurrent) replace(module, (original) => cellForward(recorder, module, original));
      else if (module instanceof Bidirectional) replace(module, (original) => bothForward(recorder, module, original));
    }
    return fn();
  } finally {
    for (const module of replaced) delete (module as { forward?: unknown }).forward;
  }
}

type Forward = (...args: readonly unknown[]) => unknown;

function layerForward(recorder: Recorder, layer: Layer, path: string, original: Forward) {
  return (x: unknown, state?: Tensor | readonly Tensor[], options: SequenceOptions = {}): unknown => {
    if (!(x instanceof Tensor)) refuse('a packed sequence goes into a recurrent layer, expected a tensor and lengths');
    if (options.record !== undefined) refuse('a recurrent layer records inner values');
    if (options.mask !== undefined) refuse('a recurrent layer has a mask');
    if (options.resets !== undefined) refuse('a recurrent layer has resets');
    if (layer.learnInitialState) refuse('a recurrent layer has a learned initial state');
    const { ir } = recorder;
    const results = recorder.paused(() => original.call(layer, x, state, options)) as readonly [Tensor, Tensors];
    const isBatched = x.rank === 3;
    const given = recorder.valueOf(x);
    const batched = isBatched ? given : ir.reshaped(given, [given.shape[0], 1, given.shape[1]]);
    let below = isBatched && layer.batchFirst ? ir.transposed(batched, [1, 0, 2]) : batched;
    const batch = below.shape[1];
    const widths = layer.projSize > 0 ? [layer.projSize, layer.hiddenSize] : [layer.hiddenSize, layer.hiddenSize];
    const directions = layer.bidirectional ? 2 : 1;
    // One layer of a list looks the same; more of them have their states side by side.
    if (listOf(results[1])[0].shape[0] !== layer.numLayers * directions) {
      refuse('a recurrent layer has a list of sizes');
    }
    const names = listOf(results[1]).length;
    const initial = (state === undefined ? [] : listOf(state)).map((tensor, i) =>
      ir.reshaped(recorder.valueOf(tensor), [layer.numLayers * directions, batch, widths[i]]),
    );
    const lengths = options.lengths === undefined ? undefined : lengthsOf(recorder, options.lengths);
    const finals: IrValue[][] = Array.from({ length: names }, () => []);
    for (let level = 0; level < layer.numLayers; level++) {
      const own = initial.map((value) => ir.sliced(value, 0, level * directions, directions));
      const step = { layer, path, level, x: below, initial: own, lengths, widths };
      const [output, states] = layer.projSize > 0 ? projectedLevel(recorder, step) : operatorLevel(recorder, step);
      below = output;
      states.forEach((value, i) => finals[i].push(value));
    }
    const turned = layer.batchFirst && isBatched ? ir.transposed(below, [1, 0, 2]) : below;
    const output = recorder.tensorOf(
      ir.reshaped(turned, results[0].shape),
      recorder.paused(() => results[0].dataSync()),
    );
    const last = finals.map((values, i) => {
      const shape = [layer.numLayers * directions, batch, widths[i]];
      const joined = values.length === 1 ? values[0] : ir.node('Concat', values, values[0].type, shape, { axis: 0 });
      const real = listOf(results[1])[i];
      return recorder.tensorOf(
        ir.reshaped(joined, real.shape),
        recorder.paused(() => real.dataSync()),
      );
    });
    return [output, results[1] instanceof Tensor ? last[0] : last];
  };
}

function lengthsOf(recorder: Recorder, lengths: Lengths): IrValue {
  if (lengths instanceof Tensor) return recorder.valueOf(lengths);
  const numbers = Array.from(lengths);
  return { type: 'int32', shape: [numbers.length], constant: numbers };
}

function cellForward<S extends Tensors>(recorder: Recorder, layer: Recurrent<S>, original: Forward) {
  return (x: Tensor, h0?: S, options: RecurrentForwardOptions = {}): unknown => {
    if ((layer.cell as unknown) instanceof StackedCells) refuse('a recurrent layer has several cells');
    if (layer.h0 !== undefined) refuse('a recurrent layer has a learned initial state');
    if (options.mask !== undefined) refuse('a recurrent layer has a mask');
    const real = recorder.paused(() => original.call(layer, x, h0, options)) as readonly [Tensor, S];
    return runCell(recorder, layer.cell, layer.batchFirst, x, h0, options, real);
  };
}

function bothForward<S extends Tensors>(recorder: Recorder, layer: Bidirectional<S>, original: Forward) {
  return (x: Tensor, h0?: readonly [S, S], options: BidirectionalForwardOptions = {}): unknown => {
    if (layer.merge !== 'concat') refuse(`Bidirectional merges by ${layer.merge}`);
    if (layer.h0 !== undefined) refuse('a recurrent layer has a learned initial state');
    if (options.mask !== undefined) refuse('a recurrent layer has a mask');
    if (options.resets !== undefined) refuse('a bidirectional layer has resets');
    const { lengths, record } = options;
    const real = recorder.paused(() => original.call(layer, x, h0, options)) as readonly [Tensor, readonly [S, S]];
    const width = real[0].shape[real[0].rank - 1];
    const outputs: IrValue[] = [];
    const last = [layer.forwardCell, layer.backwardCell].map((cell, i) => {
      const first = listOf(real[1][i])[0];
      const own = first.shape[first.rank - 1];
      const start = i === 0 ? 0 : width - own;
      const part = recorder.paused(() => real[0].narrow(-1, start, own));
      const results = runCell(recorder, cell, layer.batchFirst, x, h0?.[i], { lengths, record, reverse: i === 1 }, [
        part,
        real[1][i],
      ]);
      outputs.push(recorder.valueOf(results[0]));
      return results[1];
    });
    const joined = recorder.ir.node('Concat', outputs, outputs[0].type, real[0].shape, { axis: real[0].rank - 1 });
    return [
      recorder.tensorOf(
        joined,
        recorder.paused(() => real[0].dataSync()),
      ),
      last,
    ];
  };
}

/** One pass of a cell over a sequence, as a Scan. */
function runCell<S extends Tensors>(
  recorder: Recorder,
  cell: Cell<S>,
  batchFirst: boolean,
  x: Tensor,
  h0: S | undefined,
  { lengths, resets, reverse = false, record }: RecurrentForwardOptions,
  real: readonly [Tensor, S],
): [output: Tensor, last: S] {
  if (record !== undefined) refuse('a recurrent layer records inner values');
  const { ir } = recorder;
  const isBatched =
    x.rank > 2 || lengths !== undefined || resets !== undefined || (h0 !== undefined && listOf(h0)[0].rank > 1);
  const isTurned = isBatched && batchFirst;
  const turn = (value: IrValue): IrValue =>
    isTurned
      ? ir.transposed(
          value,
          value.shape.map((_, i) => (i < 2 ? 1 - i : i)),
        )
      : value;
  const xs = turn(recorder.valueOf(x));
  const state =
    h0 ??
    cell.initialState?.(isBatched ? xs.shape[1] : undefined) ??
    refuse('a cell has no initialState and no state is given');
  const isSingle = state instanceof Tensor;
  const step = (input: Tensor, before: readonly Tensor[]): readonly Tensor[] =>
    listOf(cell.forward(input, (isSingle ? before[0] : before) as S));
  const marks =
    resets === undefined
      ? undefined
      : resets instanceof Tensor
        ? turn(recorder.valueOf(resets))
        : constantMarks(resets, isTurned);
  const { output, states } = scanOver(
    recorder,
    step,
    xs,
    listOf(state).map((tensor) => recorder.valueOf(tensor)),
    {
      valid: lengths && validSteps(ir, lengthsOf(recorder, lengths), xs.shape[0]),
      resets: marks && ir.cast(marks, 'bool'),
      reverse,
    },
  );
  const numbers = (tensor: Tensor) => recorder.paused(() => tensor.dataSync());
  const last = listOf(real[1]).map((tensor, i) => recorder.tensorOf(states[i], numbers(tensor)));
  return [recorder.tensorOf(turn(output), numbers(real[0])), (isSingle ? last[0] : last) as S];
}

function constantMarks(resets: readonly (readonly number[])[], isTurned: boolean): IrValue {
  const rows = isTurned ? resets[0].map((_, t) => resets.map((row) => row[t])) : resets;
  return { type: 'float32', shape: [rows.length, rows[0].length], constant: rows.flat() };
}

function listOf(tensors: Tensors): readonly Tensor[] {
  return tensors instanceof Tensor ? [tensors] : tensors;
}

function refuse(what: string): never {
  throw new ArgumentError(`writeOnnx: ${what}, which is not written`, { argument: 'model' });
}
