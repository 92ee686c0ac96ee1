import type { HostTensor } from '../host/host-tensor.js';
import type { PyTorchValue } from '../pytorch/read.js';

/** The tensors in nested values by their paths, and what else there is, as texts. */
export function apart<T extends HostTensor>(
  root: PyTorchValue<T>,
): {
  tensors: [name: string, tensor: T][];
  values: [name: string, value: string][];
} {
  const tensors: [string, T][] = [];
  const values: [string, string][] = [];
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) {
      values.push([path, typeof value === 'string' ? value : String(value)]);
    } else if (ArrayBuffer.isView((value as { data?: unknown }).data)) tensors.push([path, value as T]);
    else for (const [key, item] of Object.entries(value)) visit(item, path === '' ? key : `${path}.${key}`);
  };
  visit(root, '');
  return { tensors, values };
}
