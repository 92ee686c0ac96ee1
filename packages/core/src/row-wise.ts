import { reshape } from './ops/broadcast.js';
import { mean } from './ops/reduce.js';
import type { CompileMode } from './compile-mode.js';
import { formingTaps } from './scan/tap.js';
import { scope } from './scope.js';
import type { Shape } from './shape.js';
import type { Tensor } from './tensor.js';
import type { TreeForm } from './tree.js';

/** What a row-wise function makes. */
export interface RowResults {
  readonly outputs: readonly Tensor[];
  /** What the outputs come in. */
  readonly form: TreeForm;
}

/** A function of matrices `[rows, width]` to lists of tensors `[rows, ...]`. */
export type RowFunction = (inputs: readonly Tensor[], parameters: object) => RowResults;

/** What is known of a function. */
export interface RowFunctionOptions {
  /** Whether every element is a row by itself. */
  readonly elementwise: boolean;
  readonly compile: CompileMode | undefined;
  /** Whether the function is known to do the same for any number of rows. */
  readonly anyRows: boolean;
  /** Whether the mean over all elements is the result. */
  readonly mean: boolean;
}

/** Runs a row-wise function on tensors with any dimensions in front. */
export interface RowRunner {
  /**
   * Runs a call that came before but for the tensors' values; nothing where it may be any other,
   * whose inputs are to be checked.
   */
  runBound(inputs: readonly Tensor[], parameters: object): RowResults | undefined;
  /**
   * @param inputs - checked: all on one backend, with the same leading dimensions
   * @param parameters - what else the function gets
   */
  run(inputs: readonly Tensor[], parameters: object): RowResults;
}

/** A row-wise function by single operations: what any backend and any function can do. */
export class EagerRows implements RowRunner {
  protected readonly fn: RowFunction;
  protected readonly elementwise: boolean;
  private readonly isMean: boolean;

  constructor(fn: RowFunction, { elementwise, mean: isMean }: Pick<RowFunctionOptions, 'elementwise' | 'mean'>) {
    this.fn = fn;
    this.elementwise = elementwise;
    this.isMean = isMean;
  }

  runBound(_inputs: readonly Tensor[], _parameters: object): RowResults | undefined {
    return undefined;
  }

  run(inputs: readonly Tensor[], parameters: object): RowResults {
    return scope(() => {
      const lead = this.leadOf(inputs[0]);
      const asGiven = (y: Tensor): Tensor => reshape(y, this.elementwise ? lead : [...lead, ...y.shape.slice(1)]);
      const matrices = inputs.map((x) => this.asMatrix(x));
      const { outputs, form } = formingTaps(asGiven, () => this.fn(matrices, parameters));
      return { outputs: outputs.map((y) => (this.isMean ? mean(y) : asGiven(y))), form };
    });
  }

  protected widthOf({ shape }: Tensor): number {
    return this.elementwise ? 1 : shape[shape.length - 1];
  }

  /** The dimensions in front of the features. */
  protected leadOf({ shape }: Tensor): Shape {
    return this.elementwise ? shape : shape.slice(0, -1);
  }

  protected asMatrix(x: Tensor): Tensor {
    const width = this.widthOf(x);
    return x.rank === 2 && x.shape[1] === width ? x : reshape(x, [x.size / width, width]);
  }
}
