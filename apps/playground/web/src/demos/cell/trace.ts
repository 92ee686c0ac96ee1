/** Runs a cell over a sequence and brings every value of every step out, as plain data. */
import { explain, manualSeed, noGrad, randn, scan, scope, type Tensor } from '@rnn/core';
import { initialState, makeCell, stepOf, tensorsOf, type Cell, type CellState } from './language/evaluate.ts';
import { parseCell } from './language/parse.ts';
import { CellError, namesOf, type Span } from './language/syntax.ts';

/** What is run. */
export interface CellRequest {
  /** In the cell language. */
  readonly text: string;
  /** Weights and input are drawn from it, in the order of the text. */
  readonly seed: number;
}

/** A tensor as plain data. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** All that a run of a cell shows. */
export interface CellRun {
  readonly text: string;
  readonly seed: number;
  readonly sizes: { readonly X: number; readonly H: number };
  /** `[steps, X]` */
  readonly inputs: Numbers;
  readonly weights: ReadonlyMap<string, Numbers>;
  /**
   * Every call and every part of a list that depends on the step, `[steps, ...]`, by `keyOf` and
   * `partKey`.
   */
  readonly values: ReadonlyMap<string, Numbers>;
  /**
   * Before the first step and after each, `[steps + 1, H]`, by the names that the step gives its
   * state.
   */
  readonly states: ReadonlyMap<string, Numbers>;
  /** What `explain` says of the step. */
  readonly program: { readonly mode: 'compiled' | 'eager'; readonly reason: string | undefined; readonly text: string };
}

/** A run, or what is wrong with the text and where. */
export type CellAnswer =
  | { readonly run: CellRun; readonly error?: undefined }
  | { readonly run?: undefined; readonly error: Span & { readonly message: string } };

/** Steps of the lesson's sequence. */
export const steps = 5;
/** Features of its input. */
export const inputSize = 3;

/** Runs a cell on the current backend over a sequence that is drawn after its weights. */
export async function runCell({ text, seed }: CellRequest): Promise<CellAnswer> {
  const made: Tensor[] = [];
  try {
    const syntax = parseCell(text);
    manualSeed(seed);
    const { cell, xs, seen, program } = scope(() => noGrad(() => compute(makeCell(syntax, inputSize))));
    made.push(xs, ...cell.weights.values(), ...seen.values.values(), ...seen.states.values());
    const read = async (tensor: Tensor): Promise<Numbers> => ({
      shape: [...tensor.shape],
      values: Float32Array.from(await tensor.data()),
    });
    const readAll = async (tensors: ReadonlyMap<string, Tensor>): Promise<Map<string, Numbers>> =>
      new Map(await Promise.all([...tensors].map(async ([key, tensor]) => [key, await read(tensor)] as const)));
    const after = await readAll(seen.states);
    return {
      run: {
        text,
        seed,
        sizes: cell.sizes,
        inputs: await read(xs),
        weights: await readAll(cell.weights),
        values: await readAll(seen.values),
        states: new Map([...after].map(([name, numbers]) => [name, fromZeros(numbers)])),
        program,
      },
    };
  } catch (error) {
    if (!(error instanceof CellError)) throw error;
    return { error: { message: error.message, from: error.span.from, to: error.span.to } };
  } finally {
    for (const tensor of made) tensor.dispose();
  }
}

function compute(cell: Cell) {
  const xs = randn([steps, inputSize]);
  const state = initialState(cell);
  // What does not fit is found by one step on real tensors: a trace would only fall back on them.
  const keys: string[] = [];
  stepOf(cell, xs.select(0, 0), state, (key) => keys.push(key));
  const names = [...new Set(keys)];
  const step = (x: Tensor, before: CellState): [CellState, CellState] => {
    const next = stepOf(cell, x, before);
    return [next, next];
  };
  const program = explain(step, xs, state);
  const [ys, , records] = scan(step, xs, state, { record: names });
  const states = new Map(namesOf(cell.syntax.state).map((name, i) => [name, tensorsOf(ys)[i].clone()]));
  const values = new Map(names.map((name) => [name, records[name].clone()]));
  const { mode, reason, text } = program;
  return { cell, xs, seen: { values, states }, program: { mode, reason, text } };
}

/** States after each step, with the zeros before the first one in front. */
function fromZeros({ shape: [count = 0, size = 0], values }: Numbers): Numbers {
  const all = new Float32Array((count + 1) * size);
  all.set(values, size);
  return { shape: [count + 1, size], values: all };
}
