/** Writes a model as an ES module. */
import { ArgumentError, BackendError, fromData, noGrad, scope, Tensor, type TypedArray } from '@rnn/core';
import { checkChoice, checkList, checkOptions, refuse } from '@rnn/core/checks';
import { Module } from '@rnn/nn';
import { evaluating } from '../host/recording.js';
import { encode } from '../safetensors/encode.js';
import { base64Of } from './base64.js';
import { codeOf, typesOf } from './code.js';
import { scalerData, vocabularyData, type ScalerLike, type VocabularyLike } from './data-of.js';
import type { Plan } from './plan.js';
import { planFlow } from './plan-flow.js';
import { createModel } from './runtime/create-model.js';
import { namedTensors, traceFlow, type FlowTrace } from './trace-flow.js';

/** What `exportModule` takes besides. */
export interface ExportModuleOptions {
  /** A fitted scaler, such as `StandardScaler`: the module then has `scaler.transform` and `scaler.inverse`. */
  readonly scaler?: ScalerLike;
  /** A vocabulary, such as `CharVocabulary`: the module then has `vocabulary.encode` and `vocabulary.decode`. */
  readonly vocabulary?: VocabularyLike;
  /** The type of the weights in the text; `'float16'` halves it and rounds them. `'float32'` unless given. */
  readonly weights?: 'float32' | 'float16';
}

/** An ES module as text. */
export interface ExportedModule {
  /** The source of the module, for a file such as `model.mjs`. */
  readonly code: string;
  /** Its types, for a file of the same name such as `model.d.mts`. */
  readonly types: string;
}

/**
 * Writes a trained model as one typed ES module without dependencies: `step(x, state)` for a stream, `run(xs, state, lengths)` for a
 * sequence or a batch, `initialState()` and `contract`, which says what goes in and out. It runs in Node, in a page, in a worker and in an
 * AudioWorklet, by WebAssembly that it holds, or in plain JavaScript where there is none (`create('js')`).
 *
 * @example
 * ```ts
 * const { code, types } = exportModule(model, [randn([7, 1, 3])], { scaler });
 * writeFileSync('model.mjs', code);
 * writeFileSync('model.d.mts', types);
 * ```
 * @param model - a module whose forward computes every step of a sequence alike: recurrent layers (stacked, in both directions, projected),
 *   cells of one's own in `Recurrent`, free scans, embeddings, and what acts on one step at a time. Of a result in a list, states after the last
 *   step are left out, as the module hands them on by itself
 * @param inputs - an example of the sequence, in the layout that the model takes, `[T, B, ...]`, `[B, T, ...]` or without B; int32 for tokens.
 *   Behind it the states that forward takes, for a batch of one: the module begins with their numbers
 * @param options - `scaler`, `vocabulary`, `weights` ('float32')
 * @returns `code` and `types`. The module's `run` agrees with the model to 1e-6; a small run of both is compared before anything is returned
 * @throws ArgumentError when forward does what a step cannot: it mixes steps (attention or convolution over time, steps picked by their
 *   number), reads numbers, gives lengths itself; when it uses a tensor that is neither an input nor a parameter or buffer
 * @throws BackendError when the model or an input is on a backend that answers only later
 *
 * A sum, mean, maximum or minimum over time becomes a state, so that a step gives that of the steps so far.
 * Arithmetic is that of float32. Differs from PyTorch: `torch.export` makes a file for a runtime; this is the program itself.
 */
export function exportModule(
  model: Module,
  inputs: readonly Tensor[],
  options: ExportModuleOptions = {},
): ExportedModule {
  const owner = 'exportModule';
  if (!(model instanceof Module)) refuse(ArgumentError, owner, 'model', { value: model, expected: 'a Module' });
  checkList(owner, 'inputs', inputs, 'tensors', 1);
  inputs.forEach((input, i) => {
    if (!(input instanceof Tensor))
      refuse(ArgumentError, owner, `inputs[${i}]`, { value: input, expected: 'a Tensor' });
  });
  checkOptions(owner, options, ['scaler', 'vocabulary', 'weights']);
  const { weights = 'float32' } = options;
  checkChoice(owner, 'weights', weights, ['float32', 'float16']);
  const scaler = options.scaler === undefined ? undefined : scalerData(options.scaler);
  const vocabulary = options.vocabulary === undefined ? undefined : vocabularyData(options.vocabulary);

  const tensors = [...model.parameters(), ...model.buffers(), ...inputs];
  const late = tensors.find(({ backend }) => !backend.info.synchronous);
  if (late !== undefined) {
    const received = `on '${late.backend.info.name}', which answers only later`;
    const hint = 'move the model and the inputs, as by await model.moveTo(await cpu())';
    refuse(BackendError, owner, 'model', { received, expected: 'a backend that answers at once', hint });
  }
  const trace = traceFlow(model, tensors[0].backend, inputs);
  const { plan, numbers } = planFlow(trace.input, trace.outputs);
  compare(model, inputs, trace, plan, textOf(numbers, false));
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

/** Steps of the run that is compared. */
const COMPARED = 5;
/** Far above rounding, and far below what a step that is left out does. */
const TOLERANCE = 1e-4;

/** Runs the model and its plan on a short sequence, since a forward may depend on the number of steps in ways that no trace shows. */
function compare(model: Module, inputs: readonly Tensor[], trace: FlowTrace, plan: Plan, weights: string): void {
  const [example, ...states] = inputs;
  const [{ backend }] = [...model.parameters(), ...model.buffers(), example];
  const { time, batch } = trace.form;
  const shape = example.shape.map((size, i) => (i === time ? COMPARED : i === batch ? 1 : size));
  const source = example.dataSync();
  const data = source.slice(0, 0).constructor as new (length: number) => TypedArray;
  const xs = new data(shape.reduce((product, size) => product * size, 1)).map((_, i) => source[i % source.length] ?? 0);
  const exported = createModel(plan, '', weights, 'js').run(xs);
  evaluating(model, () =>
    noGrad(() =>
      scope(() => {
        const x = fromData(xs, shape, { dtype: example.dtype, backend });
        const real = new Map(namedTensors(model.forward(...([x, ...states] as unknown as readonly never[]))));
        for (const { name } of plan.outputs) {
          const expected = (real.get(name) as Tensor).dataSync();
          const received = exported instanceof Float32Array ? exported : exported[name];
          let worst = 0;
          for (let i = 0; i < expected.length; i++) {
            if (Object.is(expected[i], received[i])) continue;
            const distance = Math.abs(expected[i] - received[i]) / Math.max(1, Math.abs(expected[i]));
            worst = distance <= worst ? worst : distance;
          }
          if (received.length === expected.length && worst <= TOLERANCE) continue;
          throw new ArgumentError(
            `exportModule: for ${COMPARED} steps '${name}' differs from the model's by ${worst}: forward depends on the number of steps, or computes the steps of a sequence in different ways; this is not exported`,
            { argument: 'model', expected: 'a forward that computes each step of the sequence alike' },
          );
        }
      }),
    ),
  );
}
