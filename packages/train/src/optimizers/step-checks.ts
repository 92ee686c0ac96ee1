import { ArgumentError, BackendError, DisposedError, enableGrad, sameShape, showShape, type Tensor } from '@rnn/core';
import { checkFunction, refuse } from '@rnn/core/checks';

/** Refuses a gradient that is gone or does not fit its parameter. */
export function checkGradient(owner: string, param: Tensor, grad: Tensor): void {
  if (grad.isDisposed) {
    refuse(DisposedError, owner, 'params', {
      part: gradientOf(param),
      received: 'disposed of',
      expected: 'one that still has its memory',
      hint: 'call zeroGrad() instead, which also takes it off the parameter',
    });
  }
  if (grad.backend !== param.backend || grad.dtype !== param.dtype) {
    const [place, other] = [param.backend.info.name, grad.backend.info.name];
    refuse(ArgumentError, owner, 'params', {
      part: gradientOf(param),
      received: `${grad.dtype} on '${other}'`,
      expected: `${param.dtype} on '${place}', as the parameter`,
      hint: 'after a move of the model call zeroGrad() and backward() again',
    });
  }
  if (!sameShape(grad.shape, param.shape)) {
    const expected = 'the shape of the parameter';
    refuse(ArgumentError, owner, 'params', {
      part: gradientOf(param),
      received: `of shape ${showShape(grad.shape)}`,
      expected,
    });
  }
}

function gradientOf({ shape }: Tensor): string {
  return `the gradient of the one of shape ${showShape(shape)}`;
}

/** Refuses state that could not follow its parameter to another backend without waiting. */
export function checkPlaces(owner: string, param: Tensor, kept: Iterable<Tensor>): void {
  for (const { backend } of kept) {
    if (backend === param.backend || backend.info.synchronous) continue;
    const [expected, received] = [param.backend.info.name, backend.info.name];
    refuse(BackendError, owner, 'params', {
      part: 'what is kept for one',
      received: `on '${received}', which answers only later`,
      expected: `on '${expected}' as the parameter`,
      hint: 'write `await optimizer.moveTo(backend)` after moving the model',
    });
  }
}

/**
 * Calls the closure of a step with recording on, wherever the step is called.
 *
 * @throws ArgumentError when it is no function or returns a promise
 */
export function runClosure<R>(owner: string, closure: () => R): R {
  const operation = `${owner}.step`;
  checkFunction(operation, 'closure', closure, '() => loss');
  const { result } = enableGrad(() => ({ result: closure() }));
  if (typeof (result as PromiseLike<unknown> | null | undefined)?.then !== 'function') return result;
  return refuse(ArgumentError, operation, 'closure', {
    received: 'an asynchronous function',
    expected: 'a synchronous one, since nothing may change the gradients before the step',
    hint: 'await what it needs before the step',
  });
}
