/**
 * Where the compiler of loops and row-wise functions is put in, so that what runs without it need
 * not import it.
 */
import { compileModeOf, refuseEager, type CompileMode } from './compile-mode.js';
import { TraceError } from './errors.js';
import type { Explanation, Lowered } from './explanation.js';
import type { ScanOptions } from './scan/arguments.js';
import type { Scan, ScanResults } from './scan/eager.js';
import type { RowFunction, RowFunctionOptions, RowRunner } from './row-wise.js';
import type { Shape } from './shape.js';
import type { Tensor } from './tensor.js';
import type { Tree } from './tree.js';

/** The tensors of a scan in the shapes in which its caller has them. */
export interface ScanShapes {
  /** The sequence, the steps in front: without the batch where it is a single one. */
  readonly xs: Tensor;
  /** Of the outputs, between the steps and the features. */
  readonly batch: Shape;
  /** The tensors of the state before the first step; an empty list stands for zeros. */
  readonly state: readonly Tensor[];
  /** The shapes of the last state, as many elements as the state has. */
  readonly last: readonly Shape[];
}

/** A scan bound for a layer that makes the same call again and again. */
export interface BoundScan {
  /**
   * Whether a call is the one that was bound, but for the values and the number of steps. What its
   * step reads of parameters that are an object of some class is compared; the fields of a plain
   * object are the caller's care.
   *
   * @param xs - the sequence
   * @param state - the tensors of the state before the first step, an empty list for zeros; left
   *   out, all but the state is compared
   */
  serves(xs: Tensor, state?: readonly Tensor[]): boolean;
  /**
   * Runs a call that this serves.
   *
   * @param xs - the sequence
   * @param state - the state before the first step; zeros where the list is empty
   * @returns the outputs stacked over time, and the state after the last step
   */
  run(xs: Tensor, state: readonly Tensor[]): { readonly outputs: readonly Tensor[]; readonly last: readonly Tensor[] };
}

/** What turns steps and row-wise functions into programs. */
export interface Compiler {
  /**
   * Runs a call of `scan` that came before but for the tensors' values; nothing where it may be any
   * other, which is to be checked.
   */
  readonly boundScan: (
    step: object,
    xs: unknown,
    state: unknown,
    options: ScanOptions,
  ) => [ys: Tree, last: Tree] | undefined;
  readonly bindScan: (scan: Scan, shapes: ScanShapes) => BoundScan | undefined;
  /** The results by programs; nothing where the step has to run by single operations. */
  readonly compiledScan: (scan: Scan) => ScanResults | undefined;
  readonly explainScan: (scan: Scan) => Explanation;
  /** @throws TraceError for a step that cannot be compiled */
  readonly lowerScan: (scan: Scan) => Lowered;
  readonly rowRunner: (name: string, fn: RowFunction, options: RowFunctionOptions) => RowRunner;
}

let installed: Compiler | undefined;

/**
 * Puts the compiler in: from now on loops and row-wise functions are compiled where they can be.
 */
export function installCompiler(compiler: Compiler): void {
  installed = compiler;
}

/** The compiler, if one was put in. */
export function installedCompiler(): Compiler | undefined {
  return installed;
}

/**
 * The same for a call that may have to be compiled.
 *
 * @param operation - what wants to know, for the message
 * @param asked - what to do where something cannot be compiled
 * @throws TraceError where something has to be compiled and there is no compiler
 */
export function compilerFor(operation: string, asked: 'required'): Compiler;
export function compilerFor(operation: string, asked: CompileMode | undefined): Compiler | undefined;
export function compilerFor(operation: string, asked: CompileMode | undefined): Compiler | undefined {
  if (installed === undefined && compileModeOf(asked) === 'required') {
    refuseEager(operation, new TraceError("there is no compiler beside '@rnn/core/lean'; import '@rnn/core'"));
  }
  return installed;
}
