// Products of the matrices inside each row: C = A B for each block of each row. They are small, and
// each row has its own, so nothing is packed.
import { loadPart, madd, storePart } from './vector';

/**
 * @param rowA - bytes from one row to the next, as `rowB`, `rowC`; 0 for matrices that are the same
 *   for all rows
 * @param a0 - bytes from block to block of A; a1, a2 along its rows and columns; b0, b1, b2
 *   likewise. C is dense
 */
export function blockProducts(
  a: usize, rowA: usize, b: usize, rowB: usize, c: usize, rowC: usize, rows: i32, blocks: i32, m: i32, k: i32, n: i32, a0: usize, a1: usize, a2: usize,
  b0: usize, b1: usize, b2: usize,
): void {
  const alongK = a2 == 4 && b1 == 4 && (b2 != 4 || n < 4);
  const alongM = n == 1 && a1 == 4;
  for (; rows > 0; rows--) {
    let p = a;
    let q = b;
    let to = c;
    for (let block = 0; block < blocks; block++) {
      if (alongK) dots(p, a1, q, b2, to, m, k, n);
      else if (b2 == 4 && n >= 4) combinations(p, a1, a2, q, b1, to, m, k, n);
      else if (alongM) combinations(q, 0, b1, p, a2, to, 1, k, m); // a column: (A b)^T = b^T A^T
      else singles(p, a1, a2, q, b1, b2, to, m, k, n);
      p += a0;
      q += b0;
      to += (<usize>m * <usize>n) << 2;
    }
    a += rowA;
    b += rowB;
    c += rowC;
  }
}

/** Rows of B lie side by side: each row of C is a combination of them. */
function combinations(a: usize, a1: usize, a2: usize, b: usize, b1: usize, c: usize, m: i32, k: i32, n: i32): void {
  for (; m > 0; m--) {
    let from = b;
    let left = n;
    for (; left >= 16; left -= 16) {
      let p = a;
      let q = from;
      let w = f32x4.splat(0);
      let x = w;
      let y = w;
      let z = w;
      for (let l = k; l > 0; l--) {
        const s = v128.load32_splat(p);
        w = madd(s, v128.load(q), w);
        x = madd(s, v128.load(q, 16), x);
        y = madd(s, v128.load(q, 32), y);
        z = madd(s, v128.load(q, 48), z);
        p += a2;
        q += b1;
      }
      v128.store(c, w);
      v128.store(c, x, 16);
      v128.store(c, y, 32);
      v128.store(c, z, 48);
      c += 64;
      from += 64;
    }
    for (; left > 0; left -= 4) {
      let p = a;
      let q = from;
      let sum = f32x4.splat(0);
      if (left >= 4) {
        for (let l = k; l > 0; l--) {
          sum = madd(v128.load32_splat(p), v128.load(q), sum);
          p += a2;
          q += b1;
        }
        v128.store(c, sum);
        c += 16;
      } else {
        for (let l = k; l > 0; l--) {
          sum = madd(v128.load32_splat(p), loadPart(q, left), sum);
          p += a2;
          q += b1;
        }
        storePart(c, sum, left);
        c += <usize>left << 2;
      }
      from += 16;
    }
    a += a1;
  }
}

/** Rows of A and columns of B lie side by side: each element of C is a product of two runs. */
function dots(a: usize, a1: usize, b: usize, b2: usize, c: usize, m: i32, k: i32, n: i32): void {
  for (; m > 0; m--) {
    let q = b;
    for (let j = n; j > 0; j--) {
      let x = a;
      let y = q;
      let left = k;
      let s = f32x4.splat(0);
      let t = s;
      for (; left >= 8; left -= 8) {
        s = madd(v128.load(x), v128.load(y), s);
        t = madd(v128.load(x, 16), v128.load(y, 16), t);
        x += 32;
        y += 32;
      }
      if (left >= 4) {
        s = madd(v128.load(x), v128.load(y), s);
        x += 16;
        y += 16;
        left -= 4;
      }
      if (left > 0) t = madd(loadPart(x, left), loadPart(y, left), t);
      s = f32x4.add(s, t);
      s = f32x4.add(s, i64x2.shuffle(s, s, 1, 0));
      store<f32>(c, f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 1));
      c += 4;
      q += b2;
    }
    a += a1;
  }
}

/** Whatever the strides are. */
function singles(a: usize, a1: usize, a2: usize, b: usize, b1: usize, b2: usize, c: usize, m: i32, k: i32, n: i32): void {
  for (; m > 0; m--) {
    let from = b;
    for (let j = n; j > 0; j--) {
      let p = a;
      let q = from;
      let sum: f32 = 0;
      for (let l = k; l > 0; l--) {
        sum += load<f32>(p) * load<f32>(q);
        p += a2;
        q += b1;
      }
      store<f32>(c, sum);
      c += 4;
      from += b2;
    }
    a += a1;
  }
}
