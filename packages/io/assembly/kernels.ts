// The instructions of an exported module (src/es-module/plan.ts), for WebAssembly with SIMD. One
// call runs a list of them; nothing is allocated and nothing is checked but the row of a table,
// which may come from outside.
//
// The functions are those of the WebAssembly backend.
import {
  abs4, add4, div4, eq4, exp4, ge4, gt4, le4, log4, lt4, maximum4, minimum4, mul4, ne4, neg4, reciprocal4, relu4, round4, sigmoid4, sign4,
  softplus4, sqrt4, square4, sub4, tanh4,
} from '../../backend-wasm/assembly/functions.generated';
import { columns16 } from '../../backend-wasm/assembly/matmul';
import { splat } from '../../backend-wasm/assembly/vector';

/** Terms of a sum that are added up in one chain: rounding errors grow with its length. */
const CHAIN: i32 = 512;

/**
 * `y = init + x W` for panels of 16 columns, then of 4; in a panel the columns of each row lie side
 * by side.
 */
function matmul(y: usize, x: usize, w: usize, init: usize, k: i32, n: i32): void {
  for (; n > 12; n -= 16) {
    let start = init;
    for (let first = 0; first < k; first += CHAIN) {
      const terms = min(CHAIN, k - first);
      columns16(x + (<usize>first << 2), w, 64, terms, y, start);
      w += <usize>terms << 6;
      start = y;
    }
    y += 64;
    if (init != 0) init += 64;
  }
  for (; n > 0; n -= 4) {
    let sum = init == 0 ? splat(0) : v128.load(init);
    for (let first = 0; first < k; first += CHAIN) {
      let s = splat(0);
      for (let i = first, end = min(first + CHAIN, k); i < end; i++) {
        s = f32x4.add(s, f32x4.mul(v128.load32_splat(x + (<usize>i << 2)), v128.load(w)));
        w += 16;
      }
      sum = f32x4.add(sum, s);
    }
    v128.store(y, sum);
    y += 16;
    if (init != 0) init += 16;
  }
}

/** JavaScript's own: a power of one's own would bring a table with it. */
// @ts-ignore: decorator
@external('env', 'pow')
declare function power(a: f64, b: f64): f64;

function powers(y: usize, a: usize, b: usize, n: i32, scalars: i32): void {
  for (let i: usize = 0, bytes = <usize>n << 2; i < bytes; i += 4)
    store<f32>(y + i, <f32>power(load<f32>(scalars & 1 ? a : a + i), load<f32>(scalars & 2 ? b : b + i)));
}

function unary(op: i32, x: v128): v128 {
  switch (op) {
    case 0: return neg4(x);
    case 1: return exp4(x);
    case 2: return log4(x);
    case 3: return sqrt4(x);
    case 4: return square4(x);
    case 5: return reciprocal4(x);
    case 6: return abs4(x);
    case 7: return sign4(x);
    case 10: return relu4(x);
    case 11: return softplus4(x);
    default: return round4(x);
  }
}

// @ts-ignore: decorator
@inline
function binary(op: i32, a: v128, b: v128): v128 {
  switch (op) {
    case 0: return add4(a, b);
    case 1: return sub4(a, b);
    case 2: return mul4(a, b);
    case 3: return div4(a, b);
    case 5: return maximum4(a, b);
    case 6: return minimum4(a, b);
    case 7: return eq4(a, b);
    case 8: return ne4(a, b);
    case 9: return lt4(a, b);
    case 10: return le4(a, b);
    case 11: return gt4(a, b);
    default: return ge4(a, b);
  }
}

/** Sum (0), maximum (1), minimum (2) or place of the maximum (3); NaN wins. */
function reduce(op: i32, y: usize, x: usize, outer: i32, size: i32, inner: i32): void {
  const step = <usize>inner << 2;
  for (; outer > 0; outer--) {
    for (let i = 0; i < inner; i++) {
      let from = x + (<usize>i << 2);
      let result: f64 = load<f32>(from);
      let place: f64 = 0;
      for (let j = 1; j < size; j++) {
        from += step;
        const value: f64 = load<f32>(from);
        if (op == 0) result += value;
        else if (result == result && (value != value || (op == 2 ? value < result : value > result))) {
          result = value;
          place = j;
        }
      }
      store<f32>(y, <f32>(op == 3 ? place : result));
      y += 4;
    }
    x += <usize>size * step;
  }
}

// @ts-ignore: decorator
@inline
function word(p: usize, i: i32): i32 {
  return load<i32>(p + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
function operand(at: usize, i: usize, isScalar: i32): v128 {
  return isScalar ? v128.load32_splat(at) : v128.load(at + i);
}

/** Runs the instructions from one address to another. */
export function run(p: usize, end: usize): void {
  while (p < end) {
    const op = word(p, 0);
    const y = <usize>word(p, 1);
    const x = <usize>word(p, 2);
    const third = word(p, 3);
    const fourth = word(p, 4);
    if (op == 0) {
      matmul(y, x, <usize>third, <usize>fourth, word(p, 5), word(p, 6));
      p += 28;
    } else if (op == 1) {
      memory.copy(y, x, <usize>third << 2);
      p += 16;
    } else if (op == 2) {
      for (let i: usize = 0, bytes = <usize>fourth << 2; i < bytes; i += 4)
        store<f32>(y + i, load<f32>(x + (<usize>load<i32>(<usize>third + i) << 2)));
      p += 20;
    } else if (op == 3) {
      const row = max(0, min(<i32>load<f32>(<usize>third), word(p, 5) - 1));
      memory.copy(y, x + (<usize>(row * fourth) << 2), <usize>fourth << 2);
      p += 24;
    } else if (op == 4) {
      const b = <usize>fourth;
      const scalars = word(p, 6);
      for (let i: usize = 0, bytes = <usize>word(p, 5) << 2; i < bytes; i += 16) {
        const condition = f32x4.ne(operand(x, i, scalars & 1), splat(0));
        const chosen = v128.bitselect(operand(<usize>third, i, scalars & 2), operand(b, i, scalars & 4), condition);
        v128.store(y + i, chosen);
      }
      p += 28;
    } else if (op < 16) {
      reduce(op - 5, y, x, third, fourth, word(p, 5));
      p += 24;
    } else if (op < 32) {
      const bytes = <usize>third << 2;
      if (op == 24) for (let i: usize = 0; i < bytes; i += 16) v128.store(y + i, tanh4(v128.load(x + i)));
      else if (op == 25) for (let i: usize = 0; i < bytes; i += 16) v128.store(y + i, sigmoid4(v128.load(x + i)));
      else for (let i: usize = 0; i < bytes; i += 16) v128.store(y + i, unary(op - 16, v128.load(x + i)));
      p += 16;
    } else {
      const scalars = word(p, 5);
      if (op == 36) powers(y, x, <usize>third, fourth, scalars);
      else for (let i: usize = 0, bytes = <usize>fourth << 2; i < bytes; i += 16)
        v128.store(y + i, binary(op - 32, operand(x, i, scalars & 1), operand(<usize>third, i, scalars & 2)));
      p += 24;
    }
  }
}
