/** The arguments of a scan, checked and in one form. */
import { refuse } from '../checks/refusal.js';
import { checkSameBackend } from '../checks/tensors.js';
import { checkFunction } from '../checks/values.js';
import { hostArray } from '../dtype.js';
import { ArgumentError, ShapeError } from '../errors.js';
import { reshape } from '../ops/broadcast.js';
import { where } from '../ops/comparison.js';
import { fromData } from '../ops/create.js';
import { sameShape, showShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { TreeForm, type Tree } from '../tree.js';
import { checkScan, checkTree, describeTree, type ScanOptions } from './arguments.js';
import type { Scan } from './eager.js';
import { gatherTaps } from './tap.js';

/** A step on trees that were made from the forms of its arguments. */
export type AnyStep = (x: never, state: never, parameters: never) => unknown;

/** Checks the arguments and brings them into one form. */
export function arrange(step: AnyStep, xs: object, state: object, options: ScanOptions): Scan {
  checkFunction('scan', 'step', step, 'of input, state and parameters');
  const inputForm = checkTree('scan', 'xs', xs);
  const stateForm = checkTree('scan', 'state', state);
  const inputs = inputForm.leavesOf(xs) as readonly Tensor[];
  const states = stateForm.leavesOf(state) as readonly Tensor[];
  const extent = checkScan(inputs, states, options);
  const { record = nothing, parameters } = options;
  const arranged: Scan = {
    name: 'scan',
    rowwise: undefined,
    step: (x, s) => {
      const call = step as (x: Tree, state: Tree, parameters: object) => unknown;
      const [result, tapped] = gatherTaps(record, () =>
        call(inputForm.filled(x), stateForm.filled(s), parameters ?? noParameters),
      );
      const form = checkResult(result);
      const [y, next] = result as [unknown, unknown];
      const outputs = form.leavesOf(y) as readonly Tensor[];
      return {
        outputs: tapped.length === 0 ? outputs : outputs.concat(tapped),
        next: checkNext(stateForm, next),
        form,
      };
    },
    source: step,
    record,
    inputs,
    states,
    inputForm,
    stateForm,
    parameters,
    compile: options.compile,
    extent,
    reverse: options.reverse === true,
  };
  return options.resetTo === undefined ? arranged : resettingTo(arranged, options.resetTo);
}

const noParameters = {};
const nothing: readonly string[] = [];

/**
 * Resets to another state than the one before the first step, written into the step: ahead of it,
 *
 *     s = mark_t ? target : s
 *
 * The marks are one more sequence, the target is a constant of each row. So nothing that compiles,
 * derives or runs a step has to know of a second state.
 *
 * @param scan - with resets
 * @param resetTo - the state to begin with, in the form of the scan's
 * @returns a scan without resets that does the same
 */
function resettingTo(scan: Scan, resetTo: unknown): Scan {
  const targets = checkTarget(scan, resetTo);
  const { step, source, inputs, states, parameters, extent } = scan;
  const { resets, steps } = extent;
  if (resets === undefined) {
    refuse(ArgumentError, 'scan', 'resetTo', { received: 'given without resets', expected: 'both or neither' });
  }
  if (!resets.includes(1)) return scan;
  const { backend, dtype } = states[0];
  const marks = fromData(hostArray(dtype, resets), [steps, resets.length / steps, 1], { backend });
  // A tensor that stands in two places of the parameters keeps a trace from serving again.
  const distinct = [...new Set(targets)];
  const places = targets.map((target) => distinct.indexOf(target));
  return {
    ...scan,
    step: (x, before) => {
      const mark = x[x.length - 1];
      const started = before.map((state, i) => {
        const shape = [mark.shape[0], ...state.shape.slice(1).map(() => 1)];
        return where(reshape(mark, shape), targets[i], state);
      });
      return step(x.slice(0, -1), started);
    },
    source: sourceFor(source),
    inputs: [...inputs, marks],
    parameters: parameters && { parameters, resetTo: distinct, places: places.join() },
    extent: { ...extent, resets: undefined },
  };
}

function checkTarget({ states, stateForm }: Scan, resetTo: unknown): readonly Tensor[] {
  const form = checkTree('scan', 'resetTo', resetTo);
  const targets = stateForm.leavesOf(resetTo);
  if (targets === undefined) {
    const expected = `${stateForm.text} (* is a tensor), as state`;
    refuse(ArgumentError, 'scan', 'resetTo', { has: 'the form', received: form.text, expected });
  }
  targets.forEach((target, i) => {
    checkSameBackend('scan', 'resetTo', target.backend, states[i].backend, 'state');
    if (sameShape(target.shape, states[i].shape) && target.dtype === states[i].dtype) return;
    const describe = ({ dtype, shape }: Tensor): string => `${dtype} ${showShape(shape)}`;
    refuse(ShapeError, 'scan', 'resetTo', { received: describe(target), expected: `${describe(states[i])}, as state` });
  });
  return targets;
}

/**
 * By what traces of a step with marks are remembered: not by the step itself, which goes without.
 */
const sources = new WeakMap<object, object>();

function sourceFor(source: object): object {
  let own = sources.get(source);
  if (own === undefined) sources.set(source, (own = {}));
  return own;
}

/** Refuses what a step must not return. Gives the form of its output. */
function checkResult(result: unknown): TreeForm {
  if (Array.isArray(result) && result.length === 2) {
    const form = TreeForm.of(result[0]);
    if (form !== undefined && TreeForm.of(result[1]) !== undefined) return form;
  }
  refuse(ArgumentError, 'scan', 'step', {
    part: 'the result',
    received: describeTree(result),
    expected: '[output, state], each a tensor, or lists and objects of tensors',
    ...(result === undefined && { hint: 'return them' }),
  });
}

/** The tensors of the state after a step, in the order of the state before. */
function checkNext(before: TreeForm, next: unknown): readonly Tensor[] {
  const leaves = before.leavesOf(next);
  if (leaves !== undefined) return leaves;
  const form = TreeForm.of(next) as TreeForm; // a tree: see `checkResult`
  if (form.size !== before.size) return form.leavesOf(next) as readonly Tensor[]; // `checkStates` says which shapes
  const expected = `${before.text} (* is a tensor), as before the step`;
  refuse(ArgumentError, 'scan', 'step', { part: 'the state', has: 'the form', received: form.text, expected });
}
