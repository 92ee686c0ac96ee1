import { compileModeOf } from '../compile-mode.js';
import { EagerRows, type RowFunction, type RowFunctionOptions, type RowResults } from '../row-wise.js';
import type { Scan } from '../scan/eager.js';
import { isGathering } from '../scan/tap.js';
import type { Tensor } from '../tensor.js';
import { TreeForm } from '../tree.js';
import { BoundCalls, runBoundRows } from './bound-scan.js';
import { compiledScan } from './pipeline.js';

/** A row-wise function as one step of a scan, without time. */
export class OneStep extends EagerRows {
  private readonly name: string;
  private readonly options: RowFunctionOptions;
  private readonly bound = new BoundCalls();

  constructor(name: string, fn: RowFunction, options: RowFunctionOptions) {
    super(fn, options);
    this.name = name;
    this.options = options;
  }

  /** @throws TraceError where the function has to be compiled and cannot be */
  override run(inputs: readonly Tensor[], parameters: object): RowResults {
    const scan: Scan = {
      name: this.name,
      rowwise: this.options,
      step: (xs) => ({ ...this.fn(xs, parameters), next: nothing }),
      source: this,
      record: nothing,
      inputs,
      states: nothing,
      inputForm: TreeForm.tensor,
      stateForm: TreeForm.tensor,
      parameters,
      compile: this.options.compile,
      extent: oneStep,
      reverse: false,
    };
    return compiledScan(scan, this.bound) ?? super.run(inputs, parameters);
  }

  override runBound(inputs: readonly Tensor[], parameters: object): RowResults | undefined {
    if (inputs.length === 0 || isGathering()) return undefined;
    const mode = compileModeOf(this.options.compile);
    if (mode === 'never' || (mode === 'auto' && inputs[0].backend.compile === undefined)) return undefined;
    return runBoundRows(this.bound, this, inputs, parameters);
  }
}

const nothing: readonly never[] = [];
const oneStep = { steps: 1, lengths: undefined, resets: undefined };
