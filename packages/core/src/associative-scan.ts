/**
 * The linear recurrence `h_t = a_t h_(t-1) + b_t`, whose steps can be taken in any grouping: by
 * blocks of time, side by side.
 */
import type { Backend } from './backend.js';
import { checkFlag } from './checks/values.js';
import { checkOptions } from './checks/options.js';
import { checkFloating, checkPlace, checkShapeIs, checkTensor } from './checks/tensors.js';
import { refuse } from './checks/refusal.js';
import type { DType } from './dtype.js';
import { ShapeError } from './errors.js';
import { noGrad } from './grad-mode.js';
import { add, mul } from './ops/arithmetic.js';
import { reshape } from './ops/broadcast.js';
import { ones, zeros } from './ops/fill.js';
import { concat } from './ops/join.js';
import { transpose } from './ops/movement.js';
import { narrow } from './ops/slice.js';
import type { Program } from './program.js';
import { isRecorded, recordAll, restored } from './record.js';
import { scan } from './scan.js';
import { scope } from './scope.js';
import { showShape } from './shape.js';
import type { Tensor } from './tensor.js';

/** What `associativeScan` takes. */
export interface AssociativeScanOptions {
  /** The state before the first step, of the shape of one step; zeros unless given. */
  readonly initial?: Tensor;
  /** From the last step to the first. */
  readonly reverse?: boolean;
  /**
   * Whether blocks of time are computed side by side. Unless given, where that is faster: see
   * `associativeScan`.
   */
  readonly parallel?: boolean;
}

const optionNames = ['initial', 'reverse', 'parallel'];

/**
 * All states of a linear recurrence, element by element: `h_t = a_t h_(t-1) + b_t`.
 *
 * @example
 * ```ts
 * associativeScan(tensor([0.5, 0.5, 0.5]), tensor([1, 1, 1]));   // [1, 1.5, 1.75]
 * ```
 * @param a - `[T, ...]`: how much of the state before is kept
 * @param b - `[T, ...]`, of the same shape: what is added
 * @param options - `initial` (`[...]`, zeros), `reverse` (false), `parallel`
 * @returns `[T, ...]`: the state after each step
 * @throws ShapeError when shapes differ or there is no time; DTypeError for int32; BackendError for
 *   operands on two backends
 *
 * The recurrence is associative: two steps in a row are one of the same kind, with the coefficient
 * `a_2 a_1` and the summand `a_2 b_1 + b_2`. So time can be cut into about √T blocks that are
 * computed side by side, and then joined: 2 √T steps in a row instead of T, for about three
 * times the arithmetic. That pays where beginning a step costs more than computing it. Unless
 * `parallel` says otherwise it is done on a backend that does not compile loops, for 128 steps and
 * more of up to 256 elements; a compiled loop is faster step by step.
 * Results of the two ways differ by rounding; where products of `a` overflow within a block, the
 * way by blocks gives NaN sooner.
 * Gradients are the same recurrence, backwards. Differs from PyTorch, which has no such function;
 * in JAX it is `lax.associative_scan` of that pair of values.
 */
export function associativeScan(a: Tensor, b: Tensor, options: AssociativeScanOptions = {}): Tensor {
  const owner = 'associativeScan';
  checkTensor(owner, 'a', a);
  checkTensor(owner, 'b', b);
  checkOptions(owner, options, optionNames);
  const { initial, reverse = false, parallel } = options;
  checkFlag(owner, 'reverse', reverse);
  if (parallel !== undefined) checkFlag(owner, 'parallel', parallel);
  checkFloating(owner, 'a', a);
  if (a.rank === 0 || a.size === 0)
    refuse(ShapeError, owner, 'a', {
      has: 'shape',
      received: showShape(a.shape),
      expected: 'time in front, and no dimension of size 0',
    });
  checkShapeIs(owner, 'b', b, a.shape, 'that of a');
  checkPlace(owner, 'b', b, a, 'a');
  if (initial !== undefined) {
    checkTensor(owner, 'initial', initial);
    checkShapeIs(owner, 'initial', initial, a.shape.slice(1), 'that of one step');
    checkPlace(owner, 'initial', initial, a, 'a');
  }
  return linearScan(a, b, initial, reverse, parallel);
}

function linearScan(
  a: Tensor,
  b: Tensor,
  initial: Tensor | undefined,
  reverse: boolean,
  parallel: boolean | undefined,
): Tensor {
  const inputs = initial === undefined ? [a, b] : [a, b, initial];
  return scope(() => {
    const result = noGrad(() => {
      const { dtype, backend } = a;
      const width = a.size / a.shape[0];
      const [flatA, flatB] = [a, b].map((x) => reshape(x, [a.shape[0], 1, width]));
      const start = initial === undefined ? zeros([1, width], { dtype, backend }) : reshape(initial, [1, width]);
      const states =
        (parallel ?? isFasterByBlocks(a))
          ? byBlocks(flatA, flatB, start, reverse)
          : stepByStep(flatA, flatB, start, reverse, parallel === false);
      return reshape(states, a.shape);
    });
    if (!isRecorded(inputs)) return result;
    const saved = [a, result, ...(initial === undefined ? [] : [initial])];
    recordAll([result], 'associativeScan', inputs, saved, ([grad], list, wanted) => {
      const [coefficients, states, start] = restored(list);
      const first = zeros([1, ...a.shape.slice(1)], { dtype: a.dtype, backend: a.backend });
      // dL/dh_t = grad_t + a_(t+1) dL/dh_(t+1): the same recurrence the other way, with the
      // coefficients of the step after.
      const steps = a.shape[0];
      const shifted = movedBy(coefficients, first, !reverse);
      const g = linearScan(shifted, grad as Tensor, undefined, !reverse, parallel);
      const before = (): Tensor => movedBy(states, start === undefined ? first : reshape(start, first.shape), reverse);
      const at = reverse ? steps - 1 : 0;
      const ofFirst = (x: Tensor): Tensor => reshape(narrow(x, 0, at, 1), a.shape.slice(1));
      return [
        wanted[0] ? mul(g, before()) : undefined,
        wanted[1] ? g : undefined,
        ...(initial === undefined ? [] : [wanted[2] ? mul(ofFirst(coefficients), ofFirst(g)) : undefined]),
      ];
    });
    return result;
  });
}

/**
 * Every step gets the value of its neighbour: of the one after it or before it; `edge` comes in
 * where there is none.
 */
function movedBy(x: Tensor, edge: Tensor, fromAfter: boolean): Tensor {
  const steps = x.shape[0];
  return fromAfter ? concat([narrow(x, 0, 1, steps - 1), edge], 0) : concat([edge, narrow(x, 0, 0, steps - 1)], 0);
}

interface Inputs {
  readonly a: Tensor;
  readonly b: Tensor;
}

const step = ({ a, b }: Inputs, h: Tensor): readonly [Tensor, Tensor] => {
  const next = add(mul(a, h), b);
  return [next, next];
};

/**
 * States after each step, without and with what was there before: the product of the coefficients
 * goes along.
 */
const blockStep = (
  { a, b }: Inputs,
  { product, h }: { readonly product: Tensor; readonly h: Tensor },
): readonly [{ product: Tensor; h: Tensor }, { product: Tensor; h: Tensor }] => {
  const next = { product: mul(a, product), h: add(mul(a, h), b) };
  return [next, next];
};

/** The state before each step goes out. */
const startStep = ({ a, b }: Inputs, h: Tensor): readonly [Tensor, Tensor] => [add(h, 0), add(mul(a, h), b)];

/** Steps without parameters: one trace serves for all calls. */
const parameters = {};

/** `[T, 1, width]`, one step after another. */
function stepByStep(a: Tensor, b: Tensor, start: Tensor, reverse: boolean, isStrict: boolean): Tensor {
  // Traced, the loop would be computed by blocks after all where nothing compiles it.
  const compile = isStrict && !compilesLoop(a.backend, a.dtype) ? 'never' : undefined;
  return scan(step, { a, b }, start, { reverse, parameters, compile })[0];
}

/** The same by blocks of time, which are the rows of a batch. */
function byBlocks(a: Tensor, b: Tensor, start: Tensor, reverse: boolean): Tensor {
  const [steps, , width] = a.shape;
  const { dtype, backend } = a;
  const length = Math.ceil(Math.sqrt(steps));
  const blocks = Math.ceil(steps / length);
  const rest = blocks * length - steps;
  // Steps of nothing fill the last block: they keep the state.
  const filled = (x: Tensor, filling: typeof ones): Tensor => {
    const whole = rest === 0 ? x : concat([x, filling([rest, 1, width], { dtype, backend })], 0);
    return transpose(reshape(whole, [blocks, length, width]), 0, 1);
  };
  const state = { product: ones([blocks, width], { dtype, backend }), h: zeros([blocks, width], { dtype, backend }) };
  const inside = { a: filled(a, ones), b: filled(b, zeros) };
  const [own, ends] = scan(blockStep, inside, state, { reverse, parameters });
  const asSteps = (x: Tensor): Tensor => reshape(x, [blocks, 1, width]);
  const [starts] = scan(startStep, { a: asSteps(ends.product), b: asSteps(ends.h) }, start, { reverse, parameters });
  const states = add(own.h, mul(own.product, reshape(starts, [1, blocks, width])));
  const inOrder = reshape(transpose(states, 0, 1), [blocks * length, 1, width]);
  return rest === 0 ? inOrder : narrow(inOrder, 0, 0, steps);
}

/**
 * Where each step is a few calls of primitives: steps from which on blocks were faster on both
 * backends for the processor, and elements of a step up to which they were. A loop that is compiled
 * is as fast as memory, and no grouping of its steps has won.
 */
const LONG = 128;
const NARROW = 256;

function isFasterByBlocks({ backend, dtype, shape, size }: Tensor): boolean {
  return shape[0] >= LONG && size / shape[0] <= NARROW && !compilesLoop(backend, dtype);
}

const compiling = new WeakMap<Backend, Map<DType, boolean>>();

/** Whether a backend compiles the loop of one state. */
function compilesLoop(backend: Backend, dtype: DType): boolean {
  let known = compiling.get(backend);
  if (known === undefined) compiling.set(backend, (known = new Map<DType, boolean>()));
  let compiles = known.get(dtype);
  if (compiles === undefined) known.set(dtype, (compiles = backend.compile?.(loopOf(dtype)) !== undefined));
  return compiles;
}

/** `h' = a h + b`, of one feature. */
function loopOf(dtype: DType): Program {
  return {
    dtype,
    xs: [1, 1],
    carry: [1],
    perRow: [],
    consts: [],
    body: [
      { kind: 'binary', width: 1, op: 'mul', a: { value: 0 }, b: { value: 2 } },
      { kind: 'binary', width: 1, op: 'add', a: { value: 3 }, b: { value: 1 } },
    ],
    carryOut: [4],
    ys: [4],
    reverse: false,
  };
}
