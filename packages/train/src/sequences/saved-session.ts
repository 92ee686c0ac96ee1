import {
  ArgumentError,
  fromData,
  hostArray,
  sizeOf,
  type Backend,
  type JsonNumber,
  type Tensor,
  type TensorJson,
} from '@rnn/core';
import { checkList, refuse } from '@rnn/core/checks';
import { fromJSONNumber } from '../json-numbers.js';

/**
 * The state of a session as plain values that JSON keeps: the tensors of the state in order, the
 * session's row `[1, ...]` of each.
 */
export type SavedSession = readonly TensorJson[];

/** Reads a state to the host. */
export function savedState(state: readonly Tensor[]): Promise<SavedSession> {
  return Promise.all(
    state.map(async (part) => {
      const data = Array.from(await part.data(), jsonNumber);
      return { shape: [...part.shape], dtype: part.dtype, data };
    }),
  );
}

/** Makes a state of what was saved. */
export function restoredState(owner: string, saved: SavedSession, backend: Backend | undefined): readonly Tensor[] {
  checkList(owner, 'saved', saved, 'tensor', 1);
  return saved.map((part: Partial<TensorJson> | null, i) => {
    const { shape, dtype, data } = part ?? {};
    const numbers = Array.isArray(data) ? data.map(fromJSONNumber) : [];
    const isWhole =
      Array.isArray(shape) && shape[0] === 1 && sizeOf(shape) === numbers.length && typeof dtype === 'string';
    if (!isWhole || numbers.some((value) => typeof value !== 'number')) {
      const expected = '{ shape: [1, ...], dtype, data }, as save gave it';
      refuse(ArgumentError, owner, `saved[${i}]`, { value: part, expected });
    }
    return fromData(hostArray(dtype, numbers), shape, { backend });
  });
}

function jsonNumber(value: number): JsonNumber {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : (String(value) as JsonNumber);
}
