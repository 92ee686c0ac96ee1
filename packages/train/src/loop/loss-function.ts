import { ArgumentError, type AverageCount, countAverages, detach, Tensor, type Tree } from '@rnn/core';
import { isPromise, refuse } from '@rnn/core/checks';
import { isTree } from '../tree.js';

/** The loss of a model on a batch. */
export type LossFunction<M, B> = (model: M, batch: B) => Tensor;

/**
 * The loss of a model on a batch as `fit` and `evaluate` take it. With `tbptt` the state is carried
 * from piece to piece: the function gets it (`undefined` where a sequence begins) and returns it
 * with the loss, in any form of tensors, lists and objects.
 *
 * @example
 * ```ts
 * const loss: CarriedLoss<TextModel, [Tensor, Tensor], LSTMState> = (model, [x, y], state) => {
 *   const [scores, next] = model.forward(x, state);
 *   return [crossEntropy(scores, y, { classDim: -1 }), next];
 * };
 * ```
 */
export type CarriedLoss<M, B, S extends Tree = Tree> = (
  model: M,
  batch: B,
  state: S | undefined,
) => Tensor | readonly [loss: Tensor, state: S];

/**
 * A loss, the number of elements that it is the mean of, and the state after it where one is
 * carried.
 */
export interface LossValue<S> {
  readonly loss: Tensor;
  readonly count: AverageCount;
  readonly state: S | undefined;
}

/** Calls a loss function and checks what it gives. */
export function lossOn<M, B, S extends Tree>(
  loss: CarriedLoss<M, B, S>,
  model: M,
  batch: B,
  state: S | undefined,
  carries: boolean,
): LossValue<S> {
  return countAverages((countOf) => {
    const result = splitLoss('fit', loss(model, batch, state), carries);
    const count = countOf(result.loss) ?? 1;
    return {
      loss: result.loss,
      state: result.state as S | undefined,
      count: typeof count === 'number' ? count : detach(count),
    };
  });
}

/** What was probably meant by a result that is no tensor. */
function hintFor(result: unknown): string | undefined {
  if (isPromise(result)) return 'a loss is computed at once: leave async and await out of it';
  if (Array.isArray(result) && result[0] instanceof Tensor) return 'a loss that carries a state needs tbptt';
  return typeof result === 'number' ? 'leave item() out, which cuts the loss off from the model' : undefined;
}

/** The parts of what a loss function returned. */
export function splitLoss(
  owner: string,
  result: unknown,
  carries: boolean,
): { readonly loss: Tensor; readonly state: Tree | undefined } {
  if (!carries) {
    if (result instanceof Tensor) return { loss: result, state: undefined };
    const hint = hintFor(result);
    return refuse(ArgumentError, owner, 'loss', {
      part: 'the result',
      value: result,
      expected: 'a Tensor with one element',
      ...(hint === undefined ? {} : { hint }),
    });
  }
  if (Array.isArray(result) && result.length === 2 && result[0] instanceof Tensor && isTree(result[1])) {
    return { loss: result[0], state: result[1] };
  }
  return refuse(ArgumentError, owner, 'loss', {
    part: 'the result',
    value: result,
    expected: '[loss, state], as with tbptt the state goes on to the next piece',
  });
}
