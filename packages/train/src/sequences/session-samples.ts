import { ArgumentError, ShapeError, Tensor, type Shape, type TypedArray } from '@rnn/core';
import { refuse, describeValue } from '@rnn/core/checks';
import { hostArrayOf, zerosLikeArray, type HostValues, type TypedHostArray } from '../host-array.js';

/** An output of the model with the positions of its rows among the sessions. */
export interface Output {
  readonly output: Tensor;
  readonly positions: readonly number[];
}

/** The output of sessions that were stepped together, or those of several groups. */
export type Outputs = Tensor | readonly Output[];

/** Reads outputs at once and frees them. */
export function now(outputs: Outputs, rows: number): TypedArray {
  if (outputs instanceof Tensor) {
    try {
      return outputs.dataSync();
    } finally {
      outputs.dispose();
    }
  }
  try {
    return inOrder(
      outputs,
      outputs.map(({ output }) => output.dataSync()),
      rows,
    );
  } finally {
    for (const { output } of outputs) output.dispose();
  }
}

/** Reads outputs and frees them. */
export async function later(outputs: Outputs, rows: number): Promise<TypedArray> {
  if (outputs instanceof Tensor) {
    try {
      return await outputs.data();
    } finally {
      outputs.dispose();
    }
  }
  try {
    return inOrder(outputs, await Promise.all(outputs.map(({ output }) => output.data())), rows);
  } finally {
    for (const { output } of outputs) output.dispose();
  }
}

/** Rows as the sessions were named. */
function inOrder(outputs: readonly Output[], values: readonly TypedArray[], rows: number): TypedArray {
  const width = values.reduce((sum, { length }) => sum + length, 0) / rows;
  const result = zerosLikeArray(values[0], rows * width);
  outputs.forEach(({ positions }, i) => {
    positions.forEach((at, row) => result.set(values[i].subarray(row * width, (row + 1) * width), at * width));
  });
  return result;
}

/** Numbers as a row for each session. */
export function asRows(data: TypedArray, rows: number): TypedHostArray {
  return { shape: [rows, data.length / rows], data };
}

/** Refuses names that are none, or come twice. */
export function checkIds(ids: readonly unknown[]): void {
  const owner = 'Stream.step';
  if (new Set(ids).size < ids.length) {
    const twice = ids.find((id, i) => ids.indexOf(id) < i);
    const hint = 'make two steps of two samples of one session';
    refuse(ArgumentError, owner, 'ids', {
      received: `a list with ${describeValue(twice)} twice`,
      expected: 'each once',
      hint,
    });
  }
  const odd = ids.findIndex((id) => typeof id !== 'string' && typeof id !== 'number');
  if (odd >= 0) refuse(ArgumentError, owner, `ids[${odd}]`, { value: ids[odd], expected: 'a text or a number' });
}

/** A sample as a batch of one. */
export function oneRow(sample: HostValues | number): TypedHostArray {
  if (typeof sample === 'number') return { shape: [1, 1], data: Float32Array.of(sample) };
  const array = hostArrayOf('Stream.push', 'sample', sample);
  const { shape, data } = array;
  return isIndices(shape, data, 1) ? array : { shape: shape.length === 1 ? [1, shape[0]] : [1, ...shape], data };
}

/** Samples as a batch. */
export function rowsFor(rows: number, samples: HostValues): TypedHostArray {
  const { shape, data } = hostArrayOf('Stream.step', 'samples', samples);
  const isFlat = shape.length === 1;
  if (isFlat ? data.length % rows === 0 : shape[0] === rows) {
    if (!isFlat || isIndices(shape, data, rows)) return { shape, data };
    return { shape: [rows, data.length / rows], data };
  }
  const expected = `${rows} rows, one for each id`;
  return refuse(ShapeError, 'Stream.step', 'samples', { has: 'shape', received: `[${shape.join(', ')}]`, expected });
}

/** Indices have no dimension of features. */
function isIndices(shape: Shape, data: TypedArray, rows: number): boolean {
  return data instanceof Int32Array && shape.length === 1 && data.length === rows;
}

/** Some rows of a batch. */
export function picked({ shape, data }: TypedHostArray, positions: readonly number[]): TypedHostArray {
  if (positions.length === shape[0]) return { shape, data };
  const width = data.length / shape[0];
  const rows = zerosLikeArray(data, positions.length * width);
  positions.forEach((from, row) => rows.set(data.subarray(from * width, (from + 1) * width), row * width));
  return { shape: [positions.length, ...shape.slice(1)], data: rows };
}
