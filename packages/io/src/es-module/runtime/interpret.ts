/**
 * The instructions of an exported module in plain JavaScript, for engines without WebAssembly.
 * Nothing is allocated by a run.
 */
import { Op } from '../plan.js';

/** Runs instructions from one word of the memory to another. */
export type Interpreter = (from: number, to: number) => void;

/**
 * @param memory - what addresses count in
 * @returns an interpreter of instructions that lie in the memory
 */
export function interpreter(memory: ArrayBuffer): Interpreter {
  const f = new Float32Array(memory);
  const w = new Int32Array(memory);
  return (from, to) => {
    for (let p = from; p < to;) {
      const op = w[p];
      const y = w[p + 1] >> 2;
      const x = w[p + 2] >> 2;
      const third = w[p + 3];
      const fourth = w[p + 4];
      if (op === Op.matmul) {
        matmul(f, y, x, third >> 2, fourth >> 2, w[p + 5], w[p + 6]);
        p += 7;
      } else if (op === Op.move) {
        f.copyWithin(y, x, x + third);
        p += 4;
      } else if (op === Op.pick) {
        for (let i = 0, at = third >> 2; i < fourth; i++) f[y + i] = f[x + w[at + i]];
        p += 5;
      } else if (op === Op.gather) {
        const row = Math.max(0, Math.min(Math.trunc(f[third >> 2]), w[p + 5] - 1)) | 0;
        f.copyWithin(y, x + row * fourth, x + (row + 1) * fourth);
        p += 6;
      } else if (op === Op.select) {
        const a = third >> 2;
        const b = fourth >> 2;
        const scalars = w[p + 6];
        for (let i = 0, n = w[p + 5]; i < n; i++)
          f[y + i] = f[scalars & 1 ? x : x + i] === 0 ? f[scalars & 4 ? b : b + i] : f[scalars & 2 ? a : a + i];
        p += 7;
      } else if (op < Op.unary) {
        reduce(f, op, y, x, third, fourth, w[p + 5]);
        p += 6;
      } else if (op < Op.binary) {
        unary(f, op - Op.unary, y, x, third);
        p += 4;
      } else {
        binary(f, op - Op.binary, y, x, third >> 2, fourth, w[p + 5]);
        p += 6;
      }
    }
  };
}

/** `y = init + x W` for panels of 16 columns, then of 4, four sums at a time. */
function matmul(f: Float32Array, y: number, x: number, W: number, init: number, k: number, n: number): void {
  for (let left = n; left > 0;) {
    const panel = left > 12 ? 16 : 4;
    for (let j = 0; j < panel; j += 4) {
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let i = 0, at = W + j; i < k; i++, at += panel) {
        const a = f[x + i];
        s0 += a * f[at];
        s1 += a * f[at + 1];
        s2 += a * f[at + 2];
        s3 += a * f[at + 3];
      }
      if (init > 0) {
        s0 += f[init];
        s1 += f[init + 1];
        s2 += f[init + 2];
        s3 += f[init + 3];
        init += 4;
      }
      f[y] = s0;
      f[y + 1] = s1;
      f[y + 2] = s2;
      f[y + 3] = s3;
      y += 4;
    }
    W += panel * k;
    left -= panel;
  }
}

function reduce(f: Float32Array, op: number, y: number, x: number, outer: number, size: number, inner: number): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let at = x + o * size * inner + i;
      let result = f[at];
      let place = 0;
      for (let j = 1; j < size; j++) {
        at += inner;
        const value = f[at];
        if (op === Op.sum) result += value;
        // NaN wins.
        else if (result === result && (value !== value || (op === Op.min ? value < result : value > result))) {
          result = value;
          place = j;
        }
      }
      f[y++] = op === Op.argmax ? place : result;
    }
  }
}

function unary(f: Float32Array, op: number, y: number, x: number, n: number): void {
  const end = x + n;
  switch (op) {
    case 0:
      for (; x < end; x++) f[y++] = -f[x];
      break;
    case 1:
      for (; x < end; x++) f[y++] = Math.exp(f[x]);
      break;
    case 2:
      for (; x < end; x++) f[y++] = Math.log(f[x]);
      break;
    case 3:
      for (; x < end; x++) f[y++] = Math.sqrt(f[x]);
      break;
    case 4:
      for (; x < end; x++) f[y++] = f[x] * f[x];
      break;
    case 5:
      for (; x < end; x++) f[y++] = 1 / f[x];
      break;
    case 6:
      for (; x < end; x++) f[y++] = Math.abs(f[x]);
      break;
    case 7:
      for (; x < end; x++) f[y++] = f[x] > 0 ? 1 : f[x] < 0 ? -1 : 0;
      break;
    case 8:
      for (; x < end; x++) f[y++] = Math.tanh(f[x]);
      break;
    case 9:
      for (; x < end; x++) f[y++] = 1 / (1 + Math.exp(-f[x]));
      break;
    case 10:
      for (; x < end; x++) f[y++] = f[x] < 0 ? 0 : f[x];
      break;
    case 11:
      for (; x < end; x++) f[y++] = Math.max(f[x], 0) + Math.log1p(Math.exp(-Math.abs(f[x])));
      break;
    default: // of two equally near whole numbers the even one
      for (; x < end; x++) {
        const up = Math.round(f[x]);
        f[y++] = up - f[x] === 0.5 && up % 2 !== 0 ? up - 1 : up;
      }
  }
}

function binary(f: Float32Array, op: number, y: number, a: number, b: number, n: number, scalars: number): void {
  const da = scalars & 1 ? 0 : 1;
  const db = scalars & 2 ? 0 : 1;
  for (let i = 0; i < n; i++, a += da, b += db) f[y + i] = binaryOf(op, f[a], f[b]);
}

function binaryOf(op: number, a: number, b: number): number {
  switch (op) {
    case 0:
      return a + b;
    case 1:
      return a - b;
    case 2:
      return a * b;
    case 3:
      return a / b;
    case 4:
      return a ** b;
    case 5:
      return Math.max(a, b);
    case 6:
      return Math.min(a, b);
    case 7:
      return a === b ? 1 : 0;
    case 8:
      return a === b ? 0 : 1;
    case 9:
      return a < b ? 1 : 0;
    case 10:
      return a <= b ? 1 : 0;
    case 11:
      return a > b ? 1 : 0;
    default:
      return a >= b ? 1 : 0;
  }
}
