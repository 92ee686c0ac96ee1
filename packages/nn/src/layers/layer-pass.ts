/** The way of a sequence through the layers of RNN, LSTM and GRU. */
import { expand, explain, isGradEnabled, type Records, squeeze, type Tensor, unsqueeze, zeros } from '@rnn/core';
import { checkOptions } from '@rnn/core/checks';
import { dropout } from '../dropout.js';
import type { PackedSequence } from '../sequences/packed-sequence.js';
import { bindLayer } from './bound-layer.js';
import { checkSequence, checkStates, type CheckedSequence } from './layer-checks.js';
import type { LayerExplanation } from './layer-explanation.js';
import { restoreLayout, concatDirections, timeMajor } from './layer-forms.js';
import { sequenceOptions, type SequenceOptions } from './layer-options.js';
import { learnedOf, partsOf, weightsOf, type LayerFields } from './layer-parts.js';
import { checkRecord, namedRecords, recordsOfRuns, type RunRecords } from './layer-records.js';
import { scanOf } from './scan-of.js';

const noRecords: Records = {};

/** Refuses what a layer cannot take, and says how it lies. */
export function checkedBy(
  layer: LayerFields,
  input: Tensor | PackedSequence,
  state: readonly Tensor[] | undefined,
  options: SequenceOptions,
): CheckedSequence {
  const { kind, states } = partsOf(layer);
  const { name: owner } = kind;
  checkOptions(owner, options, sequenceOptions);
  checkRecord(owner, options.record);
  const { inputSize, batchFirst } = layer;
  const sequence = checkSequence({ owner, inputSize, batchFirst, parameter: layer.weight_ih_l0 }, input, options);
  if (state !== undefined) checkStates(owner, state, states.rules, sequence);
  return sequence;
}

/** Runs a sequence through all layers. */
export function throughLayers(
  layer: LayerFields,
  sequence: CheckedSequence,
  state: readonly Tensor[] | undefined,
  { record = [], compile }: SequenceOptions,
): [output: Tensor, states: Tensor[], records: Records] {
  const { kind, runs, states } = partsOf(layer);
  const { batch, lengths, resets } = sequence;
  const initial = initialStatesOf(layer, state, batch);
  const targets = targetsOf(layer, state, sequence);
  const wanted = wantedOf(layer, record);
  const records: [name: string, value: Tensor][] = [];
  const finals: (readonly Tensor[])[] = [];
  let below = timeMajor(sequence);
  let outputs: Tensor[] = [];
  for (let i = 0; i < runs.length; i++) {
    const run = runs[i];
    const { isReverse } = run;
    if (run.layer > 0 && !isReverse) {
      below = dropout(concatDirections(outputs), { p: layer.dropout, training: layer.training });
      outputs = [];
    }
    const options = {
      parameters: weightsOf(layer, run),
      lengths,
      resets: resets?.[isReverse ? 'reverse' : 'forward'],
      resetTo: targets?.[i],
      reverse: isReverse,
      compile,
    };
    const scan = scanOf(layer, run.suffix, kind.taps);
    if (wanted === undefined || wanted[i].taps.length === 0) {
      const [ys, end] = scan(kind.step, below, initial[i], options);
      outputs.push(ys);
      finals.push(end);
    } else {
      const [ys, end, values] = scan(kind.step, below, initial[i], {
        ...options,
        record: wanted[i].taps,
      });
      outputs.push(ys);
      finals.push(end);
      records.push(...namedRecords(wanted[i], values, (value) => restoreLayout(value, sequence)));
    }
  }
  const isPlain = lengths === undefined && resets === undefined && sequence.selection === undefined;
  if (isPlain && wanted === undefined && compile === undefined) bindLayer(layer, below, initial[0], sequence.x, state);
  const last = states.stack(finals);
  return [
    restoreLayout(concatDirections(outputs), sequence),
    batch === undefined ? last.map((tensor) => squeeze(tensor, 1)) : last,
    wanted === undefined ? noRecords : Object.fromEntries(records),
  ];
}

/** What each run is to record; nothing where nothing is. */
function wantedOf(layer: LayerFields, record: readonly string[]): readonly RunRecords[] | undefined {
  if (record.length === 0) return undefined;
  const { kind, runs } = partsOf(layer);
  const suffixes = runs.map(({ suffix }) => suffix);
  return recordsOfRuns(kind.name, record, kind.taps, suffixes);
}

/** Explains every scan of a pass, the upper layers' on zeros in the place of the output below. */
export function explanationsOf(
  layer: LayerFields,
  sequence: CheckedSequence,
  state: readonly Tensor[] | undefined,
  { record = [], compile }: SequenceOptions,
): LayerExplanation[] {
  const { kind, runs, states } = partsOf(layer);
  const { batch, lengths, resets, steps } = sequence;
  const initial = initialStatesOf(layer, state, batch);
  const targets = targetsOf(layer, state, sequence);
  const wanted = wantedOf(layer, record);
  const { dtype, backend } = layer.weight_ih_l0;
  const x = timeMajor(sequence);
  const requiresGrad =
    isGradEnabled() && (sequence.x.requiresGrad || layer.parameters().some((parameter) => parameter.requiresGrad));
  const inputOf = (level: number): Tensor => {
    if (level === 0) return x;
    const width = states.width(0, level - 1) * (layer.bidirectional ? 2 : 1);
    return zeros([steps, batch ?? 1, width], { dtype, backend, requiresGrad });
  };
  return runs.map((run, i) => ({
    name: run.suffix.slice(1),
    ...explain(kind.step, inputOf(run.layer), initial[i], {
      parameters: weightsOf(layer, run),
      lengths,
      resets: resets?.[run.isReverse ? 'reverse' : 'forward'],
      resetTo: targets?.[i],
      reverse: run.isReverse,
      record: wanted?.[i].taps,
      compile,
    }),
  }));
}

/**
 * For every layer and direction the state at a reset; nothing where it is the one before the first
 * step.
 */
function targetsOf(
  layer: LayerFields,
  state: readonly Tensor[] | undefined,
  { resetsToInitial, batch }: CheckedSequence,
): (readonly Tensor[])[] | undefined {
  return resetsToInitial && state !== undefined ? initialStatesOf(layer, undefined, batch) : undefined;
}

/** One list of tensors for every layer and direction. */
function initialStatesOf(
  layer: LayerFields,
  state: readonly Tensor[] | undefined,
  batch: number | undefined,
): (readonly Tensor[])[] {
  const { kind, runs, states } = partsOf(layer);
  if (state !== undefined) {
    return states.unstack(batch === undefined ? state.map((tensor) => unsqueeze(tensor, 1)) : state);
  }
  const { dtype, backend } = layer.weight_ih_l0;
  const starts = new Map<number, Tensor>();
  const zeroState = (width: number): Tensor => {
    const start = starts.get(width) ?? zeros([batch ?? 1, width], { dtype, backend });
    starts.set(width, start);
    return start;
  };
  return runs.map((run) => {
    const learned = learnedOf(layer, run)?.map((start) => expand(start, [batch ?? 1, start.size]));
    return learned ?? kind.states.map((_, i) => zeroState(states.width(i, run.layer)));
  });
}
