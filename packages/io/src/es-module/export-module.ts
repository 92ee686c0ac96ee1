/** Writes a model as an ES module. */
import { ArgumentError, BackendError, type Tensor } from '@rnn/core';
import { checkChoice, checkOptions, checkTensors, refuse } from '@rnn/core/checks';
import { Module } from '@rnn/nn';
import { encode } from '../safetensors/encode.js';
import { base64Of } from './base64.js';
import { codeOf, typesOf } from './code.js';
import { compare, compareSteps } from './compare.js';
import { scalerData, vocabularyData, type ScalerLike, type VocabularyLike } from './data-of.js';
import { planFlow } from './plan-flow.js';
import { traceFlow, traceStep } from './trace-flow.js';

/** What `exportModule` takes besides. */
export interface ExportModuleOptions {
  /**
   * A fitted scaler, such as `StandardScaler`: the module then has `scaler.transform` and
   * `scaler.inverse`.
   */
  readonly scaler?: ScalerLike;
  /**
   * A vocabulary, such as `CharVocabulary`: the module then has `vocabulary.encode` and
   * `vocabulary.decode`.
   */
  readonly vocabulary?: VocabularyLike;
  /**
   * The type of the weights in the text; `'float16'` halves it and rounds them. `'float32'` unless
   * given.
   */
  readonly weights?: 'float32' | 'float16';
  /**
   * What forward takes: a whole sequence, or one step of it with the states before, of which it
   * gives the result and the states after.
   * `'sequence'` unless given.
   */
  readonly takes?: 'sequence' | 'step';
}

/** An ES module as text. */
export interface ExportedModule {
  /** The source of the module, for a file such as `model.mjs`. */
  readonly code: string;
  /** Its types, for a file of the same name such as `model.d.mts`. */
  readonly types: string;
}

/**
 * Writes a trained model as one typed ES module without dependencies: `step(x, state)` for a
 * stream, `run(xs, state, lengths)` for a sequence or a batch, `initialState()` and `contract`,
 * which says what goes in and out. It runs in Node, in a page, in a worker and in an AudioWorklet,
 * by WebAssembly that it holds, or in plain JavaScript where there is none (`create('js')`).
 *
 * @example
 * ```ts
 * const { code, types } = exportModule(model, [randn([7, 1, 3])], { scaler });
 * writeFileSync('model.mjs', code);
 * writeFileSync('model.d.mts', types);
 * ```
 * @param model - a module whose forward computes every step of a sequence alike: recurrent layers
 *   (stacked, in both directions, projected), cells of one's own in `Recurrent`, free scans,
 *   embeddings, and what acts on one step at a time. Of a result in a list, states after the last
 *   step are left out, as the module hands them on by itself
 * @param inputs - an example of the sequence, in the layout that the model takes, `[T, B, ...]`,
 *   `[B, T, ...]` or without B; int32 for tokens.
 *   Behind it the states that forward takes, for a batch of one: the module begins with their
 *   numbers
 * @param options - `scaler`, `vocabulary`, `weights` ('float32'), `takes` ('sequence'): with
 *   `'step'` forward computes one step, of any operations. It takes a step's input, then the
 *   states, `[1, ...]` each, and gives its result, or some, then the states after the step
 * @returns `code` and `types`. The module's `run` agrees with the model to 1e-6; a small run of
 *   both is compared before anything is returned
 * @throws ArgumentError when forward does what a step cannot: it mixes steps (attention or
 *   convolution over time, steps picked by their number), reads numbers, gives lengths itself; when
 *   it uses a tensor that is neither an input nor a parameter or buffer
 * @throws BackendError when the model or an input is on a backend that answers only later
 *
 * A sum, mean, maximum or minimum over time becomes a state, so that a step gives that of the steps
 * so far.
 * Arithmetic is that of float32. Differs from PyTorch: `torch.export` makes a file for a runtime;
 * this is the program itself.
 */
export function exportModule(
  model: Module,
  inputs: readonly Tensor[],
  options: ExportModuleOptions = {},
): ExportedModule {
  const owner = 'exportModule';
  if (!(model instanceof Module)) refuse(ArgumentError, owner, 'model', { value: model, expected: 'a Module' });
  checkTensors(owner, 'inputs', inputs);
  checkOptions(owner, options, ['scaler', 'vocabulary', 'weights', 'takes']);
  const { weights = 'float32', takes = 'sequence' } = options;
  checkChoice(owner, 'weights', weights, ['float32', 'float16']);
  checkChoice(owner, 'takes', takes, ['sequence', 'step']);
  const scaler = options.scaler === undefined ? undefined : scalerData(options.scaler);
  const vocabulary = options.vocabulary === undefined ? undefined : vocabularyData(options.vocabulary);

  const tensors = [...model.parameters(), ...model.buffers(), ...inputs];
  const late = tensors.find(({ backend }) => !backend.info.synchronous);
  if (late !== undefined) {
    const received = `on '${late.backend.info.name}', which answers only later`;
    const hint = 'move the model and the inputs, as by await model.moveTo(await cpu())';
    refuse(BackendError, owner, 'model', { received, expected: 'a backend that answers at once', hint });
  }
  const trace = (takes === 'step' ? traceStep : traceFlow)(model, tensors[0].backend, inputs);
  const { plan, numbers } = planFlow(trace.input, trace.outputs);
  const { form } = trace;
  if (form === undefined) compareSteps(model, inputs, plan, textOf(numbers, false));
  else compare(model, inputs, form, plan, textOf(numbers, false));
  const isHalf = weights === 'float16';
  const parts = { plan: { ...plan, isHalf }, weights: textOf(numbers, isHalf), scaler, vocabulary };
  return { code: codeOf(parts), types: typesOf(parts) };
}

/** All numbers of a model as base64. */
function textOf(lists: readonly ArrayLike<number>[], isHalf: boolean): string {
  const all = new Float32Array(lists.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  const isTooLarge = isHalf && all.some((number) => Math.abs(number) >= 65_520);
  if (isTooLarge) {
    const expected = "'float32', since the model has numbers beyond those of float16";
    refuse(ArgumentError, 'exportModule', 'weights', { value: 'float16', expected });
  }
  return base64Of(encode(all, isHalf ? 'F16' : 'F32'));
}
