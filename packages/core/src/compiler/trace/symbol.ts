/** Tensors that stand for values on paper. */
import type { Backend, Storage } from '../../backend.js';
import type { Shape } from '../../shape.js';
import { SharedStorage } from '../../shared-storage.js';
import { Tensor } from '../../tensor.js';

/** Holds no memory, so it need not be freed when it is lost. */
export class SymbolStorage extends SharedStorage {
  override watch(): void {}
}

/** A tensor that stands for a value. */
export function symbol(backend: Backend, storage: Storage, shape: Shape, wantsGrad: boolean): Tensor {
  const tensor = new Tensor(new SymbolStorage(backend, storage), shape);
  if (wantsGrad) tensor.requiresGrad = true;
  return tensor;
}
