/** Runs the stages of a plan on a backend. */
import type { Backend, Storage } from '../backend.js';
import type { CompiledProgram, Program, ProgramArguments, ProgramResults } from '../program.js';
import { mergeDims } from '../shape.js';
import { executeProgram } from './execute.js';
import type { Value } from './graph.js';
import type { Plan, Stage } from './lower.js';
import { validSteps } from './scan-arguments.js';

/** What a run works on. */
export interface Extent {
  readonly steps: number;
  readonly rows: number;
  readonly lengths: Int32Array | undefined;
  readonly resets: Uint8Array | undefined;
}

/** The storages of values during a run. Those that the run made are its own until they are taken out. */
export class Values {
  readonly backend: Backend;
  private readonly storages = new Map<Value, Storage>();
  private readonly own = new Set<Storage>();

  constructor(backend: Backend) {
    this.backend = backend;
  }

  /** A value that somebody else holds. */
  lend(value: Value, storage: Storage): void {
    this.storages.set(value, storage);
  }

  /** A value that this run made. */
  make(value: Value, storage: Storage): void {
    this.storages.set(value, storage);
    this.own.add(storage);
  }

  get(value: Value): Storage {
    let storage = this.storages.get(value);
    if (storage === undefined) {
      if (value.operation.kind !== 'number')
        throw new TypeError(`a ${value.operation.kind} was needed before it was computed`);
      storage = this.backend.fill(value.operation.value, 1, value.dtype);
      this.make(value, storage);
    }
    return storage;
  }

  /** Hands a storage over to the caller: the run's own, or a copy of a lent one or of one that was taken before. */
  take(value: Value): Storage {
    const storage = this.get(value);
    if (this.own.delete(storage)) return storage;
    return this.backend.copy({ storage, offset: 0, strides: [1] }, [storage.size], storage.dtype);
  }

  /** Frees what was made and not taken. */
  release(): void {
    for (const storage of this.own) this.backend.release(storage);
    this.own.clear();
  }
}

/** Computes everything in a plan; returns the carried values at the end. */
export function runPlan(plan: Plan, values: Values, initial: readonly Storage[], extent: Extent): readonly Storage[] {
  const { backend } = values;
  for (const value of plan.fixed) computePrimitive(value, values);
  const all: Extent = { steps: 1, rows: extent.steps * extent.rows, lengths: undefined, resets: undefined };
  if (plan.before !== undefined) runStage(plan.before, values, [], all);
  const last = plan.loop === undefined ? [] : runStage(plan.loop, values, initial, extent);
  if (plan.after !== undefined) runStage(plan.after, values, [], all);
  for (const value of plan.totals) {
    const { operation } = value;
    if (operation.kind === 'productRows') {
      const { a, b } = operation;
      const sizes = { batch: [1], m: a.width, k: all.rows, n: b.width };
      const product = backend.matmul(
        { storage: values.get(a), batchStrides: [0], transposed: true },
        { storage: values.get(b), batchStrides: [0], transposed: false },
        sizes,
      );
      values.make(value, product);
    } else if (operation.kind === 'sumRows') {
      values.make(value, backend.reduce('sum', values.get(operation.x), 1, all.rows, value.width));
    } else computePrimitive(value, values);
  }
  return last;
}

function computePrimitive(value: Value, values: Values): void {
  const { operation } = value;
  if (operation.kind !== 'primitive') throw new TypeError(`expected a primitive, received a ${operation.kind}`);
  values.make(
    value,
    operation.call(
      values.backend,
      operation.inputs.map((input) => values.get(input)),
    ),
  );
}

function runStage(stage: Stage, values: Values, carried: readonly Storage[], extent: Extent): readonly Storage[] {
  const { outputs, last } = runProgram(values.backend, stage.program, {
    ...extent,
    stacked: stage.stacked.map((value) => values.get(value)),
    carried,
    fixed: stage.fixed.map((value) => values.get(value)),
  });
  stage.outputs.forEach((value, i) => values.make(value, outputs[i]));
  return last;
}

const compiled = new WeakMap<Backend, WeakMap<Program, CompiledProgram>>();

/** Runs a program by the backend's `compile`, or else by its primitives. */
function runProgram(backend: Backend, program: Program, args: ProgramArguments): ProgramResults {
  let known = compiled.get(backend);
  if (known === undefined) compiled.set(backend, (known = new WeakMap()));
  let ready = known.get(program);
  if (ready === undefined) {
    ready = backend.compile?.(program) ?? { run: (given) => executeProgram(backend, program, given) };
    known.set(program, ready);
  }
  return ready.run(args);
}

/** 1 for every step that a row still has, 0 beyond: `[steps, rows]`, or nothing if all rows have all steps. */
export function uploadMask(backend: Backend, { steps, lengths }: Extent): Storage | undefined {
  if (lengths === undefined || lengths.every((length) => length === steps)) return undefined;
  return backend.upload(validSteps(lengths, steps));
}

/** A stacked storage with zeros where the mask has them. */
export function masked(backend: Backend, mask: Storage, storage: Storage): Storage {
  const width = storage.size / mask.size;
  const { sizes, strides } = mergeDims(
    [mask.size, width],
    [
      [1, 0],
      [width, 1],
    ],
  );
  return backend.select(
    { storage: mask, offset: 0, strides: strides[0] },
    { storage, offset: 0, strides: strides[1] },
    0,
    sizes,
    storage.dtype,
  );
}
