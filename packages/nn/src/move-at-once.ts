import { type Backend, BackendError, noGrad, scope, type Tensor, to } from '@rnn/core';
import { checkBackend, refuse } from '@rnn/core/checks';

/**
 * Moves tensors and their gradients to another backend without waiting. The tensors stay the same
 * objects.
 *
 * @param owner - whose tensors these are, for the message
 * @param tensors - leaves
 * @param backend - where to
 * @throws BackendError when one lies where reading means waiting. Then nothing has moved.
 */
export function moveAtOnce(owner: string, tensors: readonly Tensor[], backend: Backend): void {
  checkBackend('to', 'backend', backend);
  const places = tensors.flatMap(({ backend: place, grad }) => [place, grad?.backend ?? place]);
  const slow = places.find((place) => place !== backend && !place.info.synchronous);
  if (slow !== undefined) {
    const { name } = slow.info;
    refuse(BackendError, 'to', owner, {
      received: `on '${name}', which answers only later`,
      expected: 'on a backend that answers at once',
      hint: 'write `await model.moveTo(backend)`',
    });
  }
  noGrad(() =>
    scope(() => {
      // Everything that can fail comes before the first move.
      const values = tensors.map((tensor) => to(tensor, backend));
      const gradients = tensors.map(({ grad }) => grad && to(grad, backend));
      tensors.forEach((tensor, i) => {
        if (values[i] !== tensor) tensor.copy_(values[i]);
        const { grad } = tensor;
        if (grad === undefined || gradients[i] === grad) return;
        tensor.grad = gradients[i]?.keep();
        grad.dispose();
      });
    }),
  );
}
