import { ArgumentError, BackendError, DisposedError, enableGrad, sameShape, showShape, type Tensor } from '@rnn/core';
import { checkFunction, refuse } from '@rnn/core/checks';

/** Refuses a gradient that is gone or does not fit its parameter. */
export function checkGradient(owner: string, param: Tensor, grad: Tensor): void {
  if (grad.isDisposed) {
    throw new DisposedError(
      `${owner}: the gradient of a parameter of shape ${showShape(param.shape)} was disposed of; call zeroGrad() instead, which also takes it off the parameter`,
      { argument: 'params' },
    );
  }
  if (grad.backend !== param.backend || grad.dtype !== param.dtype) {
    const [place, other] = [param.backend.info.name, grad.backend.info.name];
    throw new ArgumentError(
      `${owner}: a parameter of shape ${showShape(param.shape)} is ${param.dtype} on '${place}', its gradient ${grad.dtype} on '${other}'; after a move of the model call zeroGrad() and backward() again`,
      { argument: 'params' },
    );
  }
  if (!sameShape(grad.shape, param.shape)) {
    throw new ArgumentError(
      `${owner}: a parameter has shape ${showShape(param.shape)} but its gradient ${showShape(grad.shape)}`,
      {
        argument: 'params',
      },
    );
  }
}

/** Refuses state that could not follow its parameter to another backend without waiting. */
export function checkPlaces(owner: string, param: Tensor, kept: Iterable<Tensor>): void {
  for (const { backend } of kept) {
    if (backend === param.backend || backend.info.synchronous) continue;
    const [expected, received] = [param.backend.info.name, backend.info.name];
    throw new BackendError(
      `${owner}: a parameter is on '${expected}', but what is kept for it on '${received}', which answers only later; write \`await optimizer.moveTo(backend)\` after moving the model`,
      { argument: 'params', expected, received },
    );
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
