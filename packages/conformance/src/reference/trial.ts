import { fromData, sum, mul, add, FormatError, type Backend, type Tensor } from '@rnn/core';
import type { Module } from '@rnn/nn';
import type { ReferenceFile } from './reference-file.js';

/** Something to free when the case is over. */
interface Owned {
  dispose(): void;
}

/**
 * One run of a reference case on a backend: its inputs as tensors, the leaves whose gradients it
 * asks for, its results.
 */
export class Trial {
  readonly file: ReferenceFile;
  readonly backend: Backend;
  /** Results by their name in the file: `out.output`. */
  readonly results: Map<string, Tensor> = new Map();
  /** Where the gradients of `grad.NAME` are, by NAME. */
  private readonly leaves = new Map<string, Tensor>();
  private readonly owned: Owned[] = [];

  constructor(file: ReferenceFile, backend: Backend) {
    this.file = file;
    this.backend = backend;
  }

  /** A tensor of the file; it requires a gradient if the file has one for it. */
  input(name: string): Tensor {
    const { data, shape } = this.file.tensor(name);
    const requiresGrad = this.file.has(`grad.${name}`);
    const tensor = fromData(data, shape, { backend: this.backend, requiresGrad });
    if (requiresGrad) {
      this.own(tensor.keep());
      this.leaves.set(name, tensor);
    }
    return tensor;
  }

  /** A tensor of the file, if it has it. */
  optional(name: string): Tensor | undefined {
    return this.file.has(name) ? this.input(name) : undefined;
  }

  /**
   * Loads all parameters under a prefix into a module, whose parameters' gradients are asked for by
   * the same names.
   */
  load<M extends Module>(module: M, prefix = 'param.'): M {
    this.own(module);
    const state = this.file.names(prefix).map((name) => {
      const { data, shape } = this.file.tensor(prefix + name);
      return [name, fromData(data, shape, { backend: this.backend })] as const;
    });
    module.loadStateDict(Object.fromEntries(state));
    for (const [name, parameter] of module.namedParameters()) this.leaves.set(prefix + name, parameter);
    return module;
  }

  /** Frees something when the case is over. */
  own<T extends Owned>(resource: T): T {
    this.owned.push(resource);
    return resource;
  }

  result(name: string, tensor: Tensor): void {
    this.results.set(name, tensor);
  }

  /**
   * The gradient of an input or parameter, once `backward` ran; `undefined` if none arrived, which
   * means zeros.
   */
  gradient(name: string): Tensor | undefined {
    const leaf = this.leaves.get(name);
    if (leaf === undefined)
      throw new FormatError(`reference case: no input or parameter '${name}' to give 'grad.${name}'`);
    return leaf.grad;
  }

  /**
   * The scalar loss of the case, `sum(w * result)` over the results that have a weight. Runs
   * backward if the case asks for gradients.
   *
   * @param kind - what stands before the results' names: `out.NAME` has the weight
   *   `loss_weight.NAME`, `out` has `loss_weight`
   */
  backward(): void {
    const terms = [...this.results]
      .map(([name, result]) => ({ result, weight: name.replace(/^out/, 'loss_weight') }))
      .filter(({ weight }) => this.file.has(weight))
      .map(({ result, weight }) => sum(mul(result, this.input(weight))));
    if (terms.length === 0) return;
    const loss = terms.reduce((total, term) => add(total, term));
    if (this.file.has('out.loss')) this.result('out.loss', loss);
    if (this.leaves.size > 0) loss.backward();
  }

  dispose(): void {
    for (const resource of this.owned) resource.dispose();
    for (const result of this.results.values()) result.dispose();
  }
}
