import { fromData, scope, StateDictError, Tensor, unscoped, type Backend, type DType, type Tree } from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import type { StateDict } from '@rnn/nn';
import type { Weights } from './weights.js';

/**
 * A tensor as plain values: its bytes, little-endian, in base64, so that JSON keeps every number.
 */
export interface SavedTensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: string;
}

/** Parameters and buffers as plain values. */
export type SavedState = Readonly<Record<string, SavedTensor>>;

/** A tree of tensors as plain values. */
export type SavedTree = SavedTensor | readonly SavedTree[] | { readonly [name: string]: SavedTree };

/** More arguments than a call may have on any engine are avoided. */
const CHUNK = 0x2000;

/** Reads a state dict into plain values. */
export async function savedState(state: Readonly<StateDict>): Promise<SavedState> {
  const saved: Record<string, SavedTensor> = {};
  for (const [name, tensor] of Object.entries(state)) saved[name] = await savedTensor(tensor);
  return saved;
}

/** Reads the tensors of a tree into plain values. */
export async function savedTree(tree: Tree): Promise<SavedTree> {
  if (tree instanceof Tensor) return savedTensor(tree);
  if (Array.isArray(tree)) return Promise.all((tree as readonly Tree[]).map(savedTree));
  const entries = Object.entries(tree).map(async ([name, part]) => [name, await savedTree(part)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

async function savedTensor(tensor: Tensor): Promise<SavedTensor> {
  const { buffer, byteOffset, byteLength } = await tensor.data();
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  let text = '';
  for (let i = 0; i < bytes.length; i += CHUNK) text += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
  return { shape: tensor.shape, dtype: tensor.dtype, data: btoa(text) };
}

/**
 * The tensors of plain values, each where the model has the one of that name; the caller frees
 * them.
 *
 * @throws StateDictError when the model has other names
 */
export function loadedState(saved: SavedState, model: Weights): StateDict {
  const places = scope(() => new Map(Object.entries(model.stateDict()).map(([name, { backend }]) => [name, backend])));
  const state: StateDict = {};
  for (const [name, tensor] of Object.entries(saved)) {
    const backend = places.get(name);
    if (backend === undefined) {
      for (const tensor of Object.values(state)) tensor.dispose();
      return refuse(StateDictError, 'fit', 'history.bestState', {
        has: 'an entry',
        received: `'${name}'`,
        expected: `those of the model, ${[...places.keys()].join(', ')}`,
      });
    }
    state[name] = loadedTensor(tensor, backend);
  }
  return state;
}

/** The tree of plain values; the caller frees it. */
export function loadedTree(saved: SavedTree, backend: Backend): Tree {
  if (Array.isArray(saved)) return (saved as readonly SavedTree[]).map((part) => loadedTree(part, backend));
  if (isSavedTensor(saved)) return loadedTensor(saved, backend);
  return Object.fromEntries(Object.entries(saved).map(([name, part]) => [name, loadedTree(part, backend)]));
}

function loadedTensor({ shape, dtype, data }: SavedTensor, backend: Backend): Tensor {
  const { buffer } = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const values =
    dtype === 'float32'
      ? new Float32Array(buffer)
      : dtype === 'float64'
        ? new Float64Array(buffer)
        : new Int32Array(buffer);
  return unscoped(() => fromData(values, shape, { backend }));
}

function isSavedTensor(saved: SavedTree): saved is SavedTensor {
  return typeof (saved as Partial<SavedTensor>).data === 'string';
}
