/**
 * Emits instructions that are groups of their own: products, reductions, and features in another
 * order.
 */
import type { Instruction, Program } from '@rnn/core';
import { GEMV_ROWS, PANEL } from '../layout.js';
import { ALL_ROWS, pointerAt, ROWS, Streams } from './argument-block.js';
import { isPacked, locationOf, type Layout, type Location } from './layout-of.js';
import { F32, F64, I32, V128, type Code } from './writer.js';

/** Numbers of the imported products. */
export interface Products {
  readonly product: number;
  readonly blockProducts: number;
}

/**
 * An instruction that is a group of its own: a product, a reduction, or features in another order.
 */
export function emitSingle(
  code: Code,
  program: Program,
  value: number,
  instruction: Instruction,
  layout: Layout,
  imports: Products,
): void {
  const [own, ...others] = layout.destinations(value);
  switch (instruction.kind) {
    case 'matmul':
      emitProduct(code, instruction, own, layout, imports);
      break;
    case 'product':
      emitBlockProducts(code, program, value, instruction, own, layout, imports);
      break;
    case 'reduce':
      emitReduce(code, instruction, locationOf(layout, instruction.x), own);
      break;
    case 'copy':
      emitWalk(code, instruction, locationOf(layout, instruction.x), own);
      break;
    default:
      throw new TypeError(`a ${instruction.kind} is no group of its own`);
  }
  for (const place of others) copyPlace(code, own, place, instruction.width);
}

function emitProduct(
  code: Code,
  { x, weight, init, width }: Extract<Instruction, { kind: 'matmul' }>,
  own: Location,
  layout: Layout,
  imports: Products,
): void {
  const k = layout.widths[x];
  const pointer = ({ slot, offset }: Location): void => void code.get(0).loadI32(pointerAt(slot)).i32(offset).add();
  const left = locationOf(layout, x);
  const start = init === undefined ? undefined : locationOf(layout, init);
  pointer(left);
  code
    .i32(left.rowStride)
    .i32(4)
    .get(0)
    .loadI32(pointerAt(layout.slots.packed.get(weight) as number));
  pointer(own);
  code.i32(own.rowStride);
  if (start === undefined) code.i32(0).i32(0);
  else {
    pointer(start);
    code.i32(start.rowStride);
  }
  code.get(0).loadI32(ROWS).i32(k).i32(width);
  if (layout.slots.room === undefined) code.i32(0);
  else code.get(0).loadI32(pointerAt(layout.slots.room));
  code.call(imports.product);
}

/**
 * Matrices inside each row: where they are multiplied by fixed ones, and the rows are many, all
 * rows at once by one kernel after another.
 */
function emitBlockProducts(
  code: Code,
  program: Program,
  value: number,
  instruction: Extract<Instruction, { kind: 'product' }>,
  own: Location,
  layout: Layout,
  imports: Products,
): void {
  const { a, b, blocks, m, k, n, aStrides, bStrides } = instruction;
  const [left, right] = [locationOf(layout, a), locationOf(layout, b)];
  const pointer = ({ slot, offset }: Location, more = 0): Code =>
    code
      .get(0)
      .loadI32(pointerAt(slot))
      .i32(offset + more)
      .add();
  const eachRow = (): void => {
    for (const place of [left, right, own]) pointer(place).i32(place.rowStride);
    code.get(0).loadI32(ROWS);
    for (const number of [blocks, m, k, n]) code.i32(number);
    for (const stride of [...aStrides, ...bStrides]) code.i32(stride * 4);
    code.call(imports.blockProducts);
  };
  const allRows = (): void => {
    const packed = layout.slots.packed.get(value) as number;
    const bytes = packedBytes(k, n);
    // A matrix for each row that lies densely, and one for all: as many rows more.
    const isOne = blocks === 1 && left.rowStride === m * aStrides[1] * 4 && own.rowStride === m * n * 4;
    for (let block = 0; block < blocks; block++) {
      for (let row = 0; row < (isOne ? 1 : m); row++) {
        pointer(left, (block * aStrides[0] + row * aStrides[1]) * 4);
        code.i32(isOne ? aStrides[1] * 4 : left.rowStride).i32(4);
        pointer({ slot: packed, offset: bStrides[0] === 0 ? 0 : block * bytes, rowStride: 0 });
        pointer(own, (block * m + row) * n * 4);
        code.i32(isOne ? n * 4 : own.rowStride);
        code.i32(0).i32(0).get(0).loadI32(ROWS);
        if (isOne) code.i32(m).multiply();
        code.i32(k).i32(n);
        if (layout.slots.room === undefined) code.i32(0);
        else code.get(0).loadI32(pointerAt(layout.slots.room));
        code.call(imports.product);
      }
    }
  };
  if (!isPacked(program, instruction)) {
    eachRow();
    return;
  }
  code.get(0).loadI32(ALL_ROWS).i32(GEMV_ROWS).op('i32.lt_s');
  code.when(eachRow, allRows);
}

/** Bytes of a packed factor. */
export function packedBytes(k: number, n: number): number {
  return Math.ceil(n / PANEL) * PANEL * k * 4;
}

/**
 * Vectors that a reduction along a row goes through at a time, with a chain of its own for each:
 * the processor need not wait.
 */
const CHAINS = 4;
/**
 * Vectors in a chain. What chains have summed goes into a float64 total, since rounding errors grow
 * with the length of a chain.
 */
const CHAIN = 64;

function emitReduce(
  code: Code,
  { op, outer, size, inner }: Extract<Instruction, { kind: 'reduce' }>,
  from: Location,
  to: Location,
): void {
  const streams = new Streams(code);
  const [source, target] = [streams.at(from), streams.at(to)];
  const rows = code.local(I32);
  const total = code.local(op === 'sum' ? F64 : F32);
  const at = code.local(I32);
  const out = code.local(I32);
  code.get(0).loadI32(ROWS).set(rows);
  const combineLanes = op === 'sum' ? 'f32x4.add' : op === 'max' ? 'f32x4.max' : 'f32x4.min';
  /** Combines the total with the float32 that `value` leaves on the stack. */
  const combine = (value: () => void): void => {
    code.get(total);
    value();
    if (op === 'sum') code.op('f64.promote_f32').op('f64.add');
    else code.op(op === 'max' ? 'f32.max' : 'f32.min');
    code.set(total);
  };
  const neutral = op === 'sum' ? 0 : op === 'max' ? -Infinity : Infinity;
  const vectors = inner === 1 ? Math.floor(size / 4) : 0;
  const chains = Array.from({ length: Math.min(CHAINS, vectors) }, () => code.local(V128));
  const start =
    vectors === 0 ? 0 : code.constant(new Uint8Array(Float32Array.of(neutral, neutral, neutral, neutral).buffer));
  /** Takes the next vectors, one for each chain. */
  const take = (some: readonly number[]): void => {
    some.forEach((chain, i) =>
      code
        .get(chain)
        .get(at)
        .simdAt('v128.load', i * 16)
        .simd(combineLanes)
        .set(chain),
    );
    code.advance(at, some.length * 16);
  };
  /** The next vectors into the total: by chains, then in pairs, and then the lanes. */
  const takeBlock = (count: number): void => {
    for (const chain of chains) code.get(start).set(chain);
    code.times(Math.floor(count / chains.length), () => take(chains));
    if (count % chains.length > 0) take(chains.slice(0, count % chains.length));
    for (let apart = 1; apart < chains.length; apart *= 2) {
      for (let i = 0; i + apart < chains.length; i += 2 * apart)
        code
          .get(chains[i])
          .get(chains[i + apart])
          .simd(combineLanes)
          .set(chains[i]);
    }
    for (let lane = 0; lane < 4; lane++) combine(() => code.get(chains[0]).simd('f32x4.extract_lane').byte(lane));
  };
  code.times({ local: rows }, () => {
    code.get(source).i32(from.offset).add().set(at);
    code.get(target).i32(to.offset).add().set(out);
    code.times(outer, () => {
      code.times(inner, () => {
        code.f32(neutral);
        if (op === 'sum') code.op('f64.promote_f32');
        code.set(total);
        const block = CHAIN * CHAINS;
        if (vectors >= block) code.times(Math.floor(vectors / block), () => takeBlock(block));
        if (vectors % block > 0) takeBlock(vectors % block);
        code.times(size - vectors * 4, () => {
          combine(() => code.get(at).loadF32(0));
          code.advance(at, inner * 4);
        });
        code.get(out).get(total);
        if (op === 'sum') code.op('f32.demote_f64');
        code.storeF32(0);
        code.advance(out, 4);
        if (inner > 1) code.advance(at, 4 - size * inner * 4); // back to the next column
      });
      if (inner > 1) code.advance(at, (size - 1) * inner * 4);
    });
    streams.nextRow();
  });
}

/** Features in another order: nested loops over the walk. */
function emitWalk(
  code: Code,
  { offset, sizes, strides }: Extract<Instruction, { kind: 'copy' }>,
  from: Location,
  to: Location,
): void {
  const streams = new Streams(code);
  const [source, target] = [streams.at(from), streams.at(to)];
  const rows = code.local(I32);
  const at = code.local(I32);
  const out = code.local(I32);
  code.get(0).loadI32(ROWS).set(rows);
  const level = (dim: number): void => {
    if (dim === sizes.length) {
      code.get(out).get(at).loadF32(0).storeF32(0);
      code.advance(out, 4);
      return;
    }
    code.times(sizes[dim], () => {
      level(dim + 1);
      code.advance(at, strides[dim] * 4);
    });
    code.advance(at, -sizes[dim] * strides[dim] * 4);
  };
  code.times({ local: rows }, () => {
    code
      .get(source)
      .i32(from.offset + offset * 4)
      .add()
      .set(at);
    code.get(target).i32(to.offset).add().set(out);
    level(0);
    streams.nextRow();
  });
}

/** Copies a value that is in memory to another place. */
function copyPlace(code: Code, from: Location, to: Location, width: number): void {
  emitWalk(code, { kind: 'copy', width, x: 0, offset: 0, sizes: [width], strides: [1] }, from, to);
}
