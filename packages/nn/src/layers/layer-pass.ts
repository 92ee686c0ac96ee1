/** The way of a sequence through the layers of RNN, LSTM and GRU. */
import { expand, type Records, squeeze, type Tensor, unsqueeze, zeros } from '@rnn/core';
import { checkOptions } from '@rnn/core/checks';
import { dropout } from '../dropout.js';
import type { PackedSequence } from '../sequences/packed-sequence.js';
import { checkSequence, checkStates, type CheckedSequence } from './layer-checks.js';
import { restoreLayout, concatDirections, timeMajor } from './layer-forms.js';
import { sequenceOptions, type SequenceOptions } from './layer-options.js';
import { learnedOf, partsOf, weightsOf, type LayerFields } from './layer-parts.js';
import { checkRecord, namedRecords, recordsOfRuns, type RunRecords } from './layer-records.js';
import { installedLayerTools, type PassPlan } from './layer-tools.js';
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
  { record, compile }: SequenceOptions,
): [output: Tensor, states: Tensor[], records: Records] {
  const { kind, runs, states } = partsOf(layer);
  const { batch, lengths, resets } = sequence;
  const { below: lowest, initial, targets, wanted } = planOf(layer, sequence, state, record);
  const records: [name: string, value: Tensor][] = [];
  const finals: (readonly Tensor[])[] = [];
  let below = lowest;
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
  if (isPlain && wanted === undefined && compile === undefined) {
    installedLayerTools()?.bind(layer, below, initial[0], sequence.x, state);
  }
  const last = states.stack(finals);
  return [
    restoreLayout(concatDirections(outputs), sequence),
    batch === undefined ? last.map((tensor) => squeeze(tensor, 1)) : last,
    wanted === undefined ? noRecords : Object.fromEntries(records),
  ];
}

/** What every run starts from, goes back to and records. */
export function planOf(
  layer: LayerFields,
  sequence: CheckedSequence,
  state: readonly Tensor[] | undefined,
  record: readonly string[] = [],
): PassPlan {
  return {
    below: timeMajor(sequence),
    initial: initialStatesOf(layer, state, sequence.batch),
    targets: targetsOf(layer, state, sequence),
    wanted: wantedOf(layer, record),
  };
}

/** What each run is to record; nothing where nothing is. */
function wantedOf(layer: LayerFields, record: readonly string[]): readonly RunRecords[] | undefined {
  if (record.length === 0) return undefined;
  const { kind, runs } = partsOf(layer);
  const suffixes = runs.map(({ suffix }) => suffix);
  return recordsOfRuns(kind.name, record, kind.taps, suffixes);
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
