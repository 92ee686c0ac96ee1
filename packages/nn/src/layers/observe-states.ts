import {
  add as addOf,
  detach,
  noGrad,
  type Records,
  scan,
  type ScanOptions,
  Tensor,
  type Tensors,
  unscoped,
  zeros,
} from '@rnn/core';
import { checkFunction } from '@rnn/core/checks';
import { withScans } from './scan-of.js';

/**
 * What one layer in one direction did in a pass that was observed. Whoever observes disposes of the
 * tensors.
 */
export interface ObservedStates {
  /** The layer of `RNN`, `LSTM` and `GRU`; of `Recurrent` and `Bidirectional` the cell. */
  readonly owner: object;
  /** The layer and direction as parameters name them, `l0_reverse`; empty for a cell. */
  readonly name: string;
  /** Whether the last step came first. */
  readonly reverse: boolean;
  /**
   * The tensors of the state after every step, `[T, B, width]` each, zero past the end of a row.
   */
  readonly states: readonly Tensor[];
  /**
   * Zeros of the same shapes that were added to the states. After `backward` their gradients are
   * the gradients with respect to the states:
   * by way of the output and of all later steps.
   */
  readonly probes: readonly Tensor[];
  /** What the step taps, for every step: the gates of `LSTM` and `GRU`, among others. */
  readonly records: Records;
}

type Observer = (observed: ObservedStates) => void;

/**
 * Runs a function and hands on the states of all recurrent layers that run in it, with tensors by
 * which their gradients are found.
 *
 * @example
 * ```ts
 * const seen: ObservedStates[] = [];
 * const loss = observeStates((states) => seen.push(states), () => mseLoss(model.forward(x), y));
 * loss.backward();
 * const dLdh = seen[0].probes[0].grad;   // [T, B, width]
 * ```
 * @param observe - called after each layer and direction, from the lowest to the highest; the
 *   tensors that it gets belong to it
 * @param fn - a synchronous function
 * @returns what `fn` returned
 *
 * Observed layers run by single operations. Differs from PyTorch: there a loop over the steps calls
 * `retain_grad` on each state.
 */
export function observeStates<R>(observe: (observed: ObservedStates) => void, fn: () => R): R {
  checkFunction('observeStates', 'observe', observe, '(observed) => void');
  checkFunction('observeStates', 'fn', fn);
  return withScans((owner, suffix, taps) => observedScan(observe, owner, suffix, taps), fn);
}

type AnyStep = (x: Tensor, state: Tensors, parameters: object) => readonly [Tensor, Tensors];

/** A `scan` that tells an observer what a layer or cell did. */
function observedScan(observe: Observer, owner: object, suffix: string, taps: readonly string[]): typeof scan {
  const observed = (
    step: AnyStep,
    xs: Tensor,
    state: Tensors,
    options: ScanOptions & { readonly record?: readonly string[] },
  ): [Tensor, Tensors, Records] => {
    const first = listOf(state);
    const probes = first.map(({ shape, dtype, backend }) =>
      unscoped(() => zeros([xs.shape[0], ...shape], { dtype, backend, requiresGrad: true })),
    );
    const probed = ({ x, add }: { x: Tensor; add: readonly Tensor[] }, before: Tensors, parameters: object) => {
      const [, next] = step(x, before, parameters);
      const after = listOf(next).map((part, i) => addOf(part, add[i]));
      return [after, next instanceof Tensor ? after[0] : after] as const;
    };
    const [after, last, records] = scan(probed as never, { x: xs, add: probes }, state, {
      ...options,
      record: [...new Set([...taps, ...(options.record ?? [])])],
      compile: 'never',
    }) as unknown as [readonly Tensor[], Tensors, Records];
    const kept = (x: Tensor): Tensor => noGrad(() => detach(x)).keep();
    const { reverse = false } = options;
    observe({
      owner,
      name: suffix.slice(1),
      reverse,
      states: after.map(kept),
      probes,
      records: Object.fromEntries(Object.entries(records).map(([name, value]) => [name, kept(value)])),
    });
    // The output of a layer is the first tensor of its state.
    return [after[0], last, records];
  };
  return observed as unknown as typeof scan;
}

function listOf(state: Tensors): readonly Tensor[] {
  return state instanceof Tensor ? [state] : state;
}
