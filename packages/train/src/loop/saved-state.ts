import { fromData, scope, StateDictError, unscoped, type DType } from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import type { Module, StateDict } from '@rnn/nn';

/** Parameters and buffers as plain values: the bytes of each tensor, little-endian, in base64, so that JSON keeps every number. */
export type SavedState = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly dtype: DType; readonly data: string }>
>;

/** More arguments than a call may have on any engine are avoided. */
const CHUNK = 0x2000;

/** Reads a state dict into plain values. */
export async function savedState(state: Readonly<StateDict>): Promise<SavedState> {
  const saved: Record<string, SavedState[string]> = {};
  for (const [name, tensor] of Object.entries(state)) {
    const { buffer, byteOffset, byteLength } = await tensor.data();
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    let text = '';
    for (let i = 0; i < bytes.length; i += CHUNK) text += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
    saved[name] = { shape: tensor.shape, dtype: tensor.dtype, data: btoa(text) };
  }
  return saved;
}

/**
 * The tensors of plain values, each where the model has the one of that name; the caller frees them.
 *
 * @throws StateDictError when the model has other names
 */
export function loadedState(saved: SavedState, model: Module): StateDict {
  const places = scope(() => new Map(Object.entries(model.stateDict()).map(([name, { backend }]) => [name, backend])));
  const state: StateDict = {};
  for (const [name, { shape, dtype, data }] of Object.entries(saved)) {
    const backend = places.get(name);
    if (backend === undefined) {
      for (const tensor of Object.values(state)) tensor.dispose();
      return refuse(StateDictError, 'fit', 'history.bestState', {
        has: 'an entry',
        received: `'${name}'`,
        expected: `those of the model, ${[...places.keys()].join(', ')}`,
      });
    }
    const { buffer } = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const values =
      dtype === 'float32'
        ? new Float32Array(buffer)
        : dtype === 'float64'
          ? new Float64Array(buffer)
          : new Int32Array(buffer);
    state[name] = unscoped(() => fromData(values, shape, { backend }));
  }
  return state;
}
