/**
 * A model out of its plan and its numbers: what an exported module runs. It is the same code that
 * checks the plan when it is written.
 */
import { hasStep, type Plan, type PlanPass, type PlanRange, type PlanStream } from '../plan.js';
import { interpreter, type Interpreter } from './interpret.js';
import { bytesOf, loadConstants } from './weights.js';

export type Engine = 'auto' | 'wasm' | 'js';
type ModelState = Record<string, Float32Array>;
/** The numbers of the one output, or of each by its name. */
type ModelOutput = Float32Array | Record<string, Float32Array>;

export interface ExportedModel {
  readonly engine: 'wasm' | 'js';
  readonly initialState: () => ModelState;
  readonly step: (x: number | ArrayLike<number>, state: ModelState, out?: ModelOutput) => ModelOutput;
  readonly run: (
    xs: ArrayLike<number>,
    state?: ModelState | readonly ModelState[],
    lengths?: ArrayLike<number>,
  ) => ModelOutput;
}

/**
 * @param plan - what to run
 * @param kernels - the WebAssembly of the instructions, in base64
 * @param weights - the model's numbers, in base64
 * @param engine - `auto` takes plain JavaScript where WebAssembly is missing or forbidden
 */
export function createModel(plan: Plan, kernels: string, weights: string, engine: Engine = 'auto'): ExportedModel {
  const { input, states, outputs, passes } = plan;
  if (!['auto', 'wasm', 'js'].includes(engine))
    throw new TypeError(`create: engine is ${engine}, expected 'auto', 'wasm' or 'js'`);
  let memory: ArrayBuffer | undefined;
  let run: Interpreter | undefined;
  if (engine !== 'js') {
    try {
      const wasm = new WebAssembly.Memory({ initial: (plan.bytes + 0xffff) >>> 16 });
      const module = new WebAssembly.Module(bytesOf(kernels));
      const instance = new WebAssembly.Instance(module, { env: { memory: wasm, pow: Math.pow } });
      const call = instance.exports.run as (from: number, to: number) => void;
      run = (from, to) => call(from << 2, to << 2);
      memory = wasm.buffer;
    } catch (error) {
      // No WebAssembly, no SIMD in it, or a page that forbids it.
      if (engine === 'wasm') throw error;
    }
  }
  memory ??= new ArrayBuffer((plan.bytes + 3) & ~3);
  const execute = run ?? interpreter(memory);
  const numbers = new Float32Array(memory);
  loadConstants(numbers, weights, plan.constants, plan.isHalf);
  new Int32Array(memory).set(plan.tape, plan.tapeAt >> 2);
  for (const [at, list] of plan.indices) new Int32Array(memory).set(list, at >> 2);

  const view = (at: number, width: number): Float32Array => numbers.subarray(at >> 2, (at >> 2) + width);
  const x = view(input.at, input.width);
  const stateViews = states.map(({ at, width }) => view(at, width));
  const outputViews = outputs.map(({ at, width }) => view(at, width));
  const own = outputs.map(({ width }) => new Float32Array(width));
  const only = outputs.length === 1;
  const named = (arrays: Float32Array[]): ModelOutput =>
    only ? arrays[0] : Object.fromEntries(outputs.map(({ name }, i) => [name, arrays[i]]));
  const reused = named(own);
  const isSteppable = hasStep(plan);
  const start = plan.tapeAt >> 2;
  const play = (range: PlanRange): void => {
    if (range[1] > range[0]) execute(start + range[0], start + range[1]);
  };

  const fail = (what: string, isRange = false): never => {
    throw isRange ? new RangeError(what) : new TypeError(what);
  };
  const { tokens } = input;
  const put = (value: number, i: number): void => {
    if (tokens > 0 && !(value >= 0 && value < tokens && value % 1 === 0))
      fail(`x holds ${value}, expected a token from 0 to ${tokens - 1}`, true);
    x[i] = value;
  };
  const take = (xs: ArrayLike<number>, from: number): void => {
    for (let i = 0; i < x.length; i++) put(xs[from + i], i);
  };
  const enter = (state: ModelState): void => {
    for (let i = 0; i < states.length; i++) {
      const { name, width } = states[i];
      const part = state?.[name];
      if (part?.length !== width)
        fail(`state.${name} has ${part?.length} numbers, expected ${width}; initialState() makes a state`);
      stateViews[i].set(part);
    }
  };
  const leave = (state: ModelState): void => {
    for (let i = 0; i < states.length; i++) state[states[i].name].set(stateViews[i]);
  };

  const initialState = (): ModelState =>
    Object.fromEntries(
      states.map(({ name, width, initial }) => [
        name,
        typeof initial === 'number' ? new Float32Array(width).fill(initial) : Float32Array.from(initial),
      ]),
    );

  const targetOf = (out: ModelOutput, i: number): Float32Array => {
    const { name, width } = outputs[i];
    const target = only ? (out as Float32Array) : (out as Record<string, Float32Array>)[name];
    if (target?.length !== width) fail(`step: out has ${target?.length} numbers for ${name}, expected ${width}`);
    return target;
  };

  const step = (value: number | ArrayLike<number>, state: ModelState, out: ModelOutput = reused): ModelOutput => {
    if (!isSteppable) fail('step: the model needs its whole sequence, so there is no next step; use run');
    const isNumber = typeof value === 'number';
    const length = isNumber ? 1 : value.length;
    if (length !== x.length) fail(`step: x has ${length} numbers, expected ${x.length}`);
    for (let i = 0; i < outputs.length; i++) targetOf(out, i);
    // Engines box the numbers that they read one by one until they have compiled this; a copy of
    // all has none.
    if (isNumber) put(value, 0);
    else if (tokens > 0) take(value, 0);
    else x.set(value);
    enter(state);
    const pass = passes[0];
    play(pass.before);
    play(pass.step);
    play(pass.after);
    leave(state);
    for (let i = 0; i < outputs.length; i++) targetOf(out, i).set(outputViews[i]);
    return out;
  };

  /** One sequence: `n` steps of xs from a place on. */
  const runRow = (xs: ArrayLike<number>, from: number, n: number, results: Float32Array[], places: number[]): void => {
    const sequences = plan.sequences.map((width) => new Float32Array(width * n));
    const read = ({ sequence, at }: PlanStream, t: number): void => {
      const width = plan.sequences[sequence];
      numbers.set(sequences[sequence].subarray(t * width, (t + 1) * width), at >> 2);
    };
    const write = ({ sequence, at }: PlanStream, t: number): void => {
      const width = plan.sequences[sequence];
      sequences[sequence].set(view(at, width), t * width);
    };
    const finish = (pass: number, isLast: boolean, t: number): void => {
      outputs.forEach((output, i) => {
        if (output.pass === pass && output.isLast === isLast)
          results[i].set(outputViews[i], places[i] + (isLast ? 0 : t * output.width));
      });
    };
    if (n === 0) return;
    passes.forEach(({ reverse, before, step: body, after, loads, saves, ends }: PlanPass, number) => {
      play(before);
      for (let i = 0; i < n; i++) {
        const t = reverse ? n - 1 - i : i;
        take(xs, from + t * x.length);
        for (const load of loads) read(load, t);
        play(body);
        for (const save of saves) write(save, t);
        finish(number, false, t);
      }
      for (const end of ends) read(end, end.isLast ? n - 1 : 0);
      play(after);
      finish(number, true, 0);
    });
  };

  const runAll = (
    xs: ArrayLike<number>,
    state?: ModelState | readonly ModelState[],
    lengths?: ArrayLike<number>,
  ): ModelOutput => {
    const rows = lengths === undefined ? 1 : lengths.length;
    const steps = rows === 0 ? 0 : xs.length / x.length / rows;
    if (steps % 1 !== 0)
      fail(`run: xs has ${xs.length} numbers, expected ${rows} x steps x ${x.length}: one row after another`);
    const list =
      lengths === undefined ? [state as ModelState | undefined] : (state as readonly ModelState[] | undefined);
    if (list !== undefined && !(Array.isArray(list) && list.length === rows && !Array.isArray(list[0])))
      fail('run: expected one state, or with lengths a list with a state for each row');
    const sizes = outputs.map(({ width, isLast }) => width * (isLast ? 1 : steps));
    const results = sizes.map((size) => new Float32Array(size * rows));
    for (let row = 0; row < rows; row++) {
      const n = lengths === undefined ? steps : lengths[row];
      if (!(n >= 0 && n <= steps && n % 1 === 0))
        fail(`run: lengths[${row}] is ${n}, expected a whole number from 0 to ${steps}`, true);
      const current = list?.[row] ?? initialState();
      enter(current);
      runRow(
        xs,
        row * steps * x.length,
        n,
        results,
        sizes.map((size) => size * row),
      );
      leave(current);
    }
    return named(results);
  };
  return { engine: run === undefined ? 'js' : 'wasm', initialState, step, run: runAll };
}
