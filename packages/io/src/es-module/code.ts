/** The text of an exported module and of its types. */
import { extras, kernels, runtime } from '../es-module-runtime.generated.js';
import { hasStep, type Plan, type PlanOutput } from './plan.js';
import type { ScalerData } from './runtime/scaler.js';
import type { VocabularyData } from './runtime/vocabulary.js';

/** What the text is made of. */
export interface ModuleParts {
  readonly plan: Plan;
  /** In base64. */
  readonly weights: string;
  readonly scaler: ScalerData | undefined;
  readonly vocabulary: VocabularyData | undefined;
}

/** What a module says about itself. */
interface Contract {
  readonly input: { readonly kind: 'numbers' | 'tokens'; readonly shape: readonly number[]; readonly tokens?: number };
  readonly outputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly each: 'step' | 'sequence';
  }[];
  readonly state: Readonly<
    Record<string, { readonly shape: readonly number[]; readonly initial: number | readonly number[] }>
  >;
  readonly hasStep: boolean;
}

function contractOf(plan: Plan): Contract {
  const { input, outputs, states } = plan;
  return {
    input:
      input.tokens > 0
        ? { kind: 'tokens', shape: input.shape, tokens: input.tokens }
        : { kind: 'numbers', shape: input.shape },
    outputs: outputs.map(({ name, shape, isLast }) => ({ name, shape, each: isLast ? 'sequence' : 'step' })),
    state: Object.fromEntries(states.map(({ name, shape, initial }) => [name, { shape, initial }])),
    hasStep: hasStep(plan),
  };
}

/** JSON that may stand in a script of a page, too, and with infinite numbers, which JSON lacks. */
function json(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    Math.abs(part as number) === Infinity ? `\0${part as number}` : part,
  )
    .replaceAll(/"\\u0000(-?Infinity)"/g, '$1')
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}

/** The module. */
export function codeOf({ plan, weights, scaler, vocabulary }: ModuleParts): string {
  const lines = [
    '// A trained model as one module without dependencies, made by exportModule of @rnn/io.',
    runtime,
    ...(scaler === undefined && vocabulary === undefined ? [] : [extras]),
    `const plan = ${json(plan)};`,
    `const kernels = '${kernels}';`,
    `const weights = '${weights}';`,
    'export const create = (engine) => runtime.createModel(plan, kernels, weights, engine);',
    'export const { engine, initialState, step, run } = create();',
    `export const contract = ${json(contractOf(plan))};`,
    ...(scaler === undefined ? [] : [`export const scaler = extras.createScaler(${json(scaler)});`]),
    ...(vocabulary === undefined ? [] : [`export const vocabulary = extras.createVocabulary(${json(vocabulary)});`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** Its types. */
export function typesOf({ plan, scaler, vocabulary }: ModuleParts): string {
  const { input, outputs, states } = plan;
  const numbers = ({ width }: { readonly width: number }): string => `${width} number${width === 1 ? '' : 's'}`;
  const of = (shape: readonly number[]): string => `[${shape.join(', ')}]`;
  const key = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : json(name));
  const each = ({ isLast }: PlanOutput): string => (isLast ? 'one for the sequence' : 'one for each step');
  const output = (list: readonly PlanOutput[]): string =>
    list.length === 1
      ? 'Float32Array'
      : `{\n${list.map((one) => `  /** ${numbers(one)} ${of(one.shape)}, ${each(one)}. */\n  ${key(one.name)}: Float32Array;\n`).join('')}}`;
  const isScalar = input.width === 1;
  const x = isScalar ? 'number | ArrayLike<number>' : 'ArrayLike<number>';
  const meaning =
    input.tokens > 0
      ? `${isScalar ? 'a token' : numbers(input).replace('number', 'token')}, from 0 to ${input.tokens - 1}`
      : `${numbers(input)} ${of(input.shape)}`;
  const stepType = hasStep(plan) ? `(x: ${x}, state: State, out?: Output) => Output` : 'never';
  const text = `// The types of a model that exportModule of @rnn/io made.

/** What the model carries from step to step. It belongs to the caller, and \`step\` and \`run\` write the new state into it. */
export interface State {
${states.map((state) => `  /** ${numbers(state)}, at first ${typeof state.initial === 'number' ? state.initial : 'those of the model'}. */\n  ${key(state.name)}: Float32Array;\n`).join('')}}

/** ${outputs.length === 1 ? `${numbers(outputs[0])} ${of(outputs[0].shape)}, ${each(outputs[0])}.` : 'What the model gives, by name.'} */
export type Output = ${output(outputs)};

/** \`wasm\` is faster; \`js\` needs nothing of the engine; \`auto\` takes \`js\` where WebAssembly with SIMD is missing or forbidden. */
export type Engine = 'auto' | 'wasm' | 'js';

export interface Model {
  /** What computes. */
  readonly engine: 'wasm' | 'js';
  /** A new state, as it is before the first step. */
  readonly initialState: () => State;
  /**
   * ${
     hasStep(plan)
       ? `One step of one stream: nothing is allocated.
   *
   * @param x - ${meaning}
   * @param state - is changed in place
   * @param out - where the output goes; unless given, one and the same array at every call`
       : 'The model reads its sequence in both directions or from its end: there is no next step, and a call throws.'
   }
   */
  readonly step: ${stepType};
  /**
   * A sequence, or with \`lengths\` a batch of them, one after another.
   *
   * @param xs - each step's ${meaning}, step after step. Of a batch: the rows one after another, all padded to the same number of steps
   * @param state - changed in place; the initial one unless given. Of a batch: one for each row
   * @param lengths - the steps of each row; results past them are zero
   * @returns new arrays: the rows one after another
   */
  readonly run: {
    (xs: ArrayLike<number>, state?: State): Output;
    (xs: ArrayLike<number>, states: readonly State[] | undefined, lengths: ArrayLike<number>): Output;
  };
}

export declare const engine: Model['engine'];
export declare const initialState: Model['initialState'];
export declare const step: Model['step'];
export declare const run: Model['run'];

/** Another copy of the model, with memory of its own and an engine that is chosen. */
export declare const create: (engine?: Engine) => Model;

/** What goes in and out. */
export declare const contract: {
  readonly input: { readonly kind: 'numbers' | 'tokens'; readonly shape: readonly number[]; readonly tokens?: number };
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[]; readonly each: 'step' | 'sequence' }[];
  readonly state: Readonly<Record<keyof State, { readonly shape: readonly number[]; readonly initial: number | readonly number[] }>>;
  readonly hasStep: boolean;
};
`;
  return text + (scaler === undefined ? '' : scalerTypes) + (vocabulary === undefined ? '' : vocabularyTypes);
}

const scalerTypes = `
/** Units of the data to those of the model, and back; features lie side by side, all of them unless \`features\` says which. */
export declare const scaler: {
  readonly transform: (values: ArrayLike<number>, out?: Float32Array, features?: readonly number[]) => Float32Array;
  readonly inverse: (values: ArrayLike<number>, out?: Float32Array, features?: readonly number[]) => Float32Array;
};
`;

const vocabularyTypes = `
/** Texts to tokens, and back. */
export declare const vocabulary: {
  readonly tokens: readonly string[];
  readonly encode: (text: string | readonly string[]) => Int32Array;
  readonly decode: (indices: ArrayLike<number>, skipSpecials?: boolean) => string;
};
`;
