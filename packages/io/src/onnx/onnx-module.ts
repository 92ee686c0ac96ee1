/** A model that came from ONNX. */
import {
  ArgumentError,
  BackendError,
  getBackend,
  isGradEnabled,
  sameShape,
  Tensor,
  type Backend,
  type DType,
  type Shape,
} from '@rnn/core';
import { Module, Parameter } from '@rnn/nn';
import type { Built, MakeWeight } from './build.js';
import { finish, finishLater, runGraph } from './execute.js';
import { Memo } from './memo.js';
import { hold } from './hold-parameter.js';
import type { HostArray } from './host-array.js';
import { inputValue, type OnnxInput, type OnnxValueInfo } from './input-value.js';
import type { ModelProto } from './schema.generated.js';
import type { Graph, Steps } from './plan.js';
import { Value } from './value.js';

/** Tensors by the names of a model's inputs or outputs. */
export type OnnxTensors = Record<string, Tensor>;

/** Shapes of inputs whose consequences are kept. */
const SHAPES_AT_MOST = 8;

/**
 * Inputs of at most so many numbers on the host, such as a sample rate, are treated like shapes.
 */
const NUMBERS_IN_KEY = 16;

/** A run whose inputs were all tensors. */
interface LastRun {
  readonly shapes: readonly Shape[];
  readonly dtypes: readonly DType[];
  readonly memo: Memo;
}

/** What a module is made of. */
export interface OnnxParts {
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly backend: Backend | undefined;
  /** Makes the graph, with the weights that the module gives it. */
  readonly build: (makeWeight: MakeWeight) => Built;
  readonly model: ModelProto;
}

/** What a module was read from, and its weights by their names there: for writing it again. */
export interface OnnxSource {
  readonly model: ModelProto;
  readonly weights: ReadonlyMap<string, Parameter>;
}

const sources = new WeakMap<OnnxModule, OnnxSource>();

/** The source of a module that `readOnnx` made. */
export function sourceOf(module: OnnxModule): OnnxSource | undefined {
  return sources.get(module);
}

/**
 * A model that was read from ONNX. Its weights are parameters under the names that they have in the
 * file, so it can be trained on, moved between backends, saved, and written again.
 *
 * @example
 * ```ts
 * const model = readOnnx(bytes);
 * const { speech_probs, hn, cn } = noGrad(() => model.run({ input, h, c }));
 * ```
 */
export class OnnxModule extends Module {
  /** What `run` takes. */
  readonly inputs: readonly OnnxValueInfo[];
  /** What `run` gives. */
  readonly outputs: readonly OnnxValueInfo[];
  /** The file's `metadata_props`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #graph: Graph;
  readonly #constants: readonly Value[];
  readonly #weights = new Map<string, Parameter>();
  readonly #backend: Backend;
  readonly #memos = new Map<string, Memo>();
  #memoBackend: Backend | undefined;
  /** What the run before found: sequences of one shape come after one another. */
  #last: LastRun | undefined;

  /** @internal Made by `readOnnx`. */
  constructor(parts: OnnxParts) {
    super();
    const { inputs, outputs, metadata, backend } = parts;
    this.inputs = inputs;
    this.outputs = outputs;
    this.metadata = metadata;
    sources.set(this, { model: parts.model, weights: this.#weights });
    this.#backend = backend ?? getBackend();
    const { graph, constants } = parts.build((name, numbers, isTrained) => this.#weight(name, numbers, isTrained));
    this.#graph = graph;
    this.#constants = constants;
  }

  /**
   * Runs the model on inputs by position; see `run`.
   *
   * @param inputs - a tensor for each of `inputs`, in their order
   * @returns the output, or a list where there are several
   */
  forward(...inputs: OnnxInput[]): Tensor | Tensor[] {
    const results = this.run(Object.fromEntries(inputs.map((input, i) => [this.#inputName(i), input])));
    const list = this.outputs.map(({ name }) => results[name]);
    return list.length === 1 ? list[0] : list;
  }

  /**
   * Runs the model.
   *
   * @example
   * ```ts
   * const { y } = model.run({ x: randn([2, 7, 3]) });
   * ```
   * @param inputs - by the names of `inputs`: tensors (int32 for whole numbers), or nested numbers.
   *   Recorded for `backward` unless inside `noGrad`
   * @returns the results by the names of `outputs`; they belong to the caller
   * @throws ArgumentError when an input is missing, unknown, or of another type or shape than the
   *   model says; BackendError where numbers have to be read and the backend answers only later:
   *   then `await model.runAsync(inputs)`
   */
  run(inputs: Readonly<Record<string, OnnxInput>>): OnnxTensors {
    const again = this.#runAgain(inputs);
    if (again !== undefined) return again;
    const backend = this.#place(inputs);
    const values = finish(this.#steps(inputs, backend), (tensor) => {
      if (backend.info.synchronous) return tensor.dataSync();
      throw new BackendError(
        `run: the model reads numbers to know how to go on, and the backend '${backend.info.name}' answers only later; write \`await model.runAsync(inputs)\``,
        { expected: 'runAsync', received: backend.info.name },
      );
    });
    return this.#results(values, backend);
  }

  /**
   * The same on every backend, also where numbers have to be waited for.
   *
   * @example
   * ```ts
   * const { y } = await model.runAsync({ x: randn([2, 7, 3]) }); // on WebGPU, too
   * ```
   * @param inputs - as for `run`
   * @returns a promise of the results
   * @throws what `run` throws, but for the BackendError
   */
  async runAsync(inputs: Readonly<Record<string, OnnxInput>>): Promise<OnnxTensors> {
    const again = this.#runAgain(inputs);
    if (again !== undefined) return again;
    const backend = this.#place(inputs);
    return this.#results(await finishLater(this.#steps(inputs, backend)), backend);
  }

  override dispose(): void {
    super.dispose();
    for (const value of this.#constants) value.release();
    this.#forget();
  }

  /** What follows from the shapes of these inputs alone, if they were seen before. */
  #memoFor(inputs: readonly Value[], backend: Backend): Memo | undefined {
    if (backend !== this.#memoBackend) {
      this.#forget();
      this.#memoBackend = backend;
    }
    if (this.#last !== undefined && hasShapes(inputs, this.#last.shapes)) {
      for (const value of inputs) value.isShaped = true;
      return this.#last.memo;
    }
    let key = '';
    for (const value of inputs) {
      key += `${value.shape.join()};`;
      if (!value.isHost) value.isShaped = true;
      else if (value.size > NUMBERS_IN_KEY) return undefined;
      else {
        key += `${Array.from(value.host.numbers).join()};`;
        value.isShaped = value.isStatic = true;
      }
    }
    let memo = this.#memos.get(key);
    if (memo === undefined) {
      if (this.#memos.size >= SHAPES_AT_MOST) this.#forget();
      this.#memos.set(key, (memo = new Memo()));
    }
    if (inputs.every((value) => !value.isHost)) {
      const dtypes = inputs.map((value) => value.on(backend).dtype);
      this.#last = { shapes: inputs.map(({ shape }) => shape), dtypes, memo };
    }
    return memo;
  }

  /** A run like the last one, if that is bound; nothing for any other, which is to be checked. */
  #runAgain(inputs: Readonly<Record<string, OnnxInput>>): OnnxTensors | undefined {
    const last = this.#last;
    if (last === undefined || typeof last.memo.bound !== 'object' || isGradEnabled()) return undefined;
    const { length } = this.inputs;
    let given = 0;
    for (const name in inputs) if (inputs[name] !== undefined) given++;
    if (given !== length) return undefined;
    const tensors = new Array<Tensor>(length);
    for (let i = 0; i < length; i++) {
      const input = inputs[this.inputs[i].name];
      if (!(input instanceof Tensor) || input.backend !== this.#memoBackend || input.dtype !== last.dtypes[i])
        return undefined;
      if (!sameShape(input.shape, last.shapes[i])) return undefined;
      tensors[i] = input;
    }
    return this.#named(last.memo.bound.run(tensors));
  }

  /** Tensors by the names of the outputs. */
  #named(tensors: readonly Tensor[]): OnnxTensors {
    const named: OnnxTensors = {};
    for (let i = 0; i < tensors.length; i++) {
      const { name } = this.outputs[i];
      if (name !== '__proto__') named[name] = tensors[i];
      else
        Object.defineProperty(named, name, { value: tensors[i], enumerable: true, writable: true, configurable: true });
    }
    return named;
  }

  #forget(): void {
    for (const memo of this.#memos.values()) memo.forget();
    this.#memos.clear();
    this.#last = undefined;
  }

  #inputName(position: number): string {
    const info = this.inputs[position];
    if (info !== undefined) return info.name;
    throw new ArgumentError(`forward: there are more inputs than the ${this.inputs.length} that the model has`, {
      argument: 'inputs',
      expected: String(this.inputs.length),
    });
  }

  #weight(name: string, numbers: HostArray, isTrained: boolean): Value {
    const value = Value.host(numbers);
    const values = value.on(this.#backend);
    const parameter = new Parameter(values, { requiresGrad: isTrained });
    values.dispose();
    // A name that means something else here, or leads through another weight, is changed.
    let free = name.replaceAll('.', '_');
    if (!hold(this, name.split('.'), parameter)) while (!hold(this, [free], parameter)) free += '_';
    this.#weights.set(name, parameter);
    const weight = Value.device(numbers.type, parameter);
    weight.isConstant = weight.isShaped = true;
    return weight;
  }

  /** The backend of a run: where the inputs or else the weights are. */
  #place(inputs: Readonly<Record<string, OnnxInput>>): Backend {
    const given = Object.values(inputs).find((input) => input instanceof Tensor);
    const [weight] = this.#weights.values();
    return given?.backend ?? weight?.backend ?? this.#backend;
  }

  #steps(inputs: Readonly<Record<string, OnnxInput>>, backend: Backend): Steps<readonly Value[]> {
    const isWhole = this.inputs.every(({ name }) => inputs[name] !== undefined);
    if (!isWhole || Object.keys(inputs).length !== this.inputs.length) this.#refuseInputs(inputs);
    const values = this.inputs.map((info) => inputValue(info, inputs[info.name], backend));
    return runGraph(this.#graph, values, backend, undefined, this.#memoFor(values, backend));
  }

  /** Says which inputs are missing, and which there are not. */
  #refuseInputs(inputs: Readonly<Record<string, OnnxInput>>): void {
    const known = this.inputs.map(({ name }) => name);
    const unknown = Object.keys(inputs).filter((name) => !known.includes(name));
    const missing = known.filter((name) => inputs[name] === undefined);
    if (unknown.length === 0 && missing.length === 0) return;
    const received = Object.keys(inputs).join(', ');
    const faults = [
      ...missing.map((name) => `input '${name}' is missing`),
      ...unknown.map((name) => `there is no input '${name}'`),
    ];
    throw new ArgumentError(`run: ${faults.join(', ')}; the model takes ${known.join(', ')}`, {
      argument: 'inputs',
      expected: known.join(', '),
      received,
    });
  }

  /** The results as tensors of the caller's own. */
  #results(values: readonly Value[], backend: Backend): OnnxTensors {
    const used = new Set<Tensor>();
    return this.#named(
      values.map((value) => {
        const made = value.on(backend);
        const tensor = (value.isOwned || value.tensor === undefined) && !used.has(made) ? made : made.clone();
        used.add(tensor);
        return tensor;
      }),
    );
  }
}

/** Whether all values are on a device, in these shapes. */
function hasShapes(values: readonly Value[], shapes: readonly Shape[]): boolean {
  return values.every((value, i) => !value.isHost && sameShape(value.shape, shapes[i]));
}
