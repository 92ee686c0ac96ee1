import { checkList } from '../checks/values.js';
import { refuse } from '../checks/refusal.js';
import { checkBackend, checkSupported } from '../checks/backends.js';
import { checkTensor } from '../checks/tensors.js';
import type { Backend } from '../backend.js';
import type { TypedArray } from '../dtype.js';
import { ArgumentError, AutogradError } from '../errors.js';
import { wrap } from '../record.js';
import { scope } from '../scope.js';
import { showShape } from '../shape.js';
import type { SharedStorage } from '../shared-storage.js';
import type { Tensor } from '../tensor.js';

/**
 * Moves tensors to another backend, and waits for their numbers: so they can also leave a backend
 * that answers only later (`info.synchronous` is false, as on WebGPU), which `to` cannot. The
 * tensors stay the same objects, and their gradients go with them. `model.moveTo` and
 * `optimizer.moveTo` are made of this.
 *
 * @example
 * ```ts
 * const x = tensor([1, 2]);
 * await moveTo([x], await wasm());
 * ```
 * @param tensors - leaves of any shape; one that is there already stays as it is. Nothing may
 *   change them until the promise resolves
 * @param backend - what a backend's factory resolved to
 * @returns a promise that resolves when all are there
 * @throws BackendError when `backend` is none; DTypeError when it lacks a type; AutogradError for
 *   the result of a recorded operation;
 *   ArgumentError when a tensor changed while it was waited for; whatever the backends throw. Then
 *   nothing has moved.
 *
 * Differs from PyTorch: `to` there always waits.
 */
export async function moveTo(tensors: readonly Tensor[], backend: Backend): Promise<void> {
  checkBackend('moveTo', 'backend', backend);
  checkList('moveTo', 'tensors', tensors, 'Tensors');
  const all = [...new Set(tensors)];
  all.forEach((tensor, i) => checkMovable(tensor, i, backend));
  const grads = all.map(({ grad }) => grad);
  const isAway = (tensor: Tensor | undefined): tensor is Tensor => tensor !== undefined && tensor.backend !== backend;
  const [values, gradients] = await Promise.all(
    [all, grads].map((list) => Promise.all(list.filter(isAway).map(download))),
  );
  checkUnchanged([...values, ...gradients], all, grads);
  scope(() => {
    // Everything that can fail comes before the first move.
    const arrived = values.map((each) => upload(each, backend));
    const arrivedGradients = new Map(gradients.map((each) => [each.tensor, upload(each, backend)]));
    values.forEach(({ tensor }, i) => tensor.copy_(arrived[i]));
    for (const tensor of all) {
      const before = tensor.grad;
      const after = before && arrivedGradients.get(before);
      if (after === undefined) continue;
      tensor.grad = after.keep();
      before?.dispose();
    }
  });
}

/** A tensor under way. */
interface Transfer {
  readonly tensor: Tensor;
  /** Where it was when its numbers were asked for. */
  readonly from: SharedStorage;
  readonly numbers: TypedArray;
}

async function download(tensor: Tensor): Promise<Transfer> {
  const { held: from } = tensor;
  return { tensor, from, numbers: await from.backend.read(from.storage) };
}

function upload({ tensor, from, numbers }: Transfer, backend: Backend): Tensor {
  return wrap(backend, backend.upload(numbers), tensor.shape, from.bounds);
}

function checkMovable(tensor: Tensor, i: number, backend: Backend): void {
  checkTensor('moveTo', `tensors[${i}]`, tensor);
  void tensor.held; // a disposed tensor says so
  checkSupported('moveTo', tensor.dtype, backend, "convert with .to('float32') first");
  if (tensor.isLeaf) return;
  const [received, expected] = ['the result of a recorded operation', 'a leaf'];
  refuse(AutogradError, 'moveTo', `tensors[${i}]`, { received, expected, hint: 'move detach() of it' });
}

/** Refuses to put old numbers in the place of newer ones, as after a forgotten `await`. */
function checkUnchanged(
  transfers: readonly Transfer[],
  tensors: readonly Tensor[],
  grads: readonly (Tensor | undefined)[],
): void {
  const changed =
    transfers.find(({ tensor, from }) => tensor.isDisposed || tensor.home !== from)?.tensor ??
    tensors.find(({ grad }, i) => grad !== grads[i]);
  if (changed === undefined) return;
  refuse(ArgumentError, 'moveTo', 'tensors', {
    part: `the one of shape ${showShape(changed.shape)}`,
    received: 'another than when its move began, or its gradient is',
    expected: 'the same',
    hint: 'nothing has moved; await moveTo before the next step',
  });
}
