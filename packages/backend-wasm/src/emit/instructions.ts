// NOTE FROM THE LEAD to whoever edits this: an emitter exists and passes everything (src/compile.ts, src/emit/emit-program.ts, layout-of.ts, vector-functions.ts, writer.ts; test/compile.test.ts). Please do not write a second one: delete this file unless it replaces one of those for a measured reason. Next: threads, kernels <= 25 kB, memory/kernels/ulp tests, README, masks inside WebAssembly.
/** Instructions as functions of expressions. */
import { signed, unsigned, type Bytes } from './binary-format.js';

const simd = (code: number): number[] => [0xfd, ...unsigned(code)];
const two =
  (...code: number[]) =>
  (a: Bytes, b: Bytes): Bytes => [...a, ...b, ...code];
const one =
  (...code: number[]) =>
  (a: Bytes): Bytes => [...a, ...code];
/** Alignment is a hint that engines ignore here; 0 promises nothing. */
const at = (offset: number): number[] => [0, ...unsigned(offset)];

export const i32 = {
  const: (value: number): Bytes => [0x41, ...signed(value)],
  add: two(0x6a),
  sub: two(0x6b),
  mul: two(0x6c),
  and: two(0x71),
  eq: two(0x46),
  ne: two(0x47),
  eqz: one(0x45),
  ltS: two(0x48),
  geS: two(0x4e),
  load: (address: Bytes, offset = 0): Bytes => [...address, 0x28, ...at(offset)],
  load8: (address: Bytes): Bytes => [...address, 0x2d, ...at(0)],
  store: (address: Bytes, value: Bytes, offset = 0): Bytes => [...address, ...value, 0x36, ...at(offset)],
  if: (condition: Bytes, then: Bytes, otherwise: Bytes): Bytes => [...condition, 0x04, 0x7f, ...then, 0x05, ...otherwise, 0x0b],
} as const;

export const f32 = {
  const: (value: number): Bytes => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)],
  load: (address: Bytes, offset = 0): Bytes => [...address, 0x2a, ...at(offset)],
  store: (address: Bytes, value: Bytes, offset = 0): Bytes => [...address, ...value, 0x38, ...at(offset)],
  fromF64: one(0xb6),
} as const;

export const f64 = { add: two(0xa0), const0: [0x44, 0, 0, 0, 0, 0, 0, 0, 0] as Bytes, promote: one(0xbb) } as const;

export const f64x2 = {
  add: two(...simd(0xf0)),
  promoteLow: one(...simd(0x5f)),
  lane: (x: Bytes, lane: number): Bytes => [...x, ...simd(0x21), lane],
} as const;

export const v128 = {
  load: (address: Bytes, offset = 0): Bytes => [...address, ...simd(0x00), ...at(offset)],
  splatFrom: (address: Bytes, offset = 0): Bytes => [...address, ...simd(0x09), ...at(offset)],
  load32: (address: Bytes, offset = 0): Bytes => [...address, ...simd(0x5c), ...at(offset)],
  load64: (address: Bytes, offset = 0): Bytes => [...address, ...simd(0x5d), ...at(offset)],
  loadLane32: (address: Bytes, x: Bytes, lane: number, offset = 0): Bytes => [...address, ...x, ...simd(0x56), ...at(offset), lane],
  store: (address: Bytes, x: Bytes, offset = 0): Bytes => [...address, ...x, ...simd(0x0b), ...at(offset)],
  storeLane32: (address: Bytes, x: Bytes, lane: number, offset = 0): Bytes => [...address, ...x, ...simd(0x5a), ...at(offset), lane],
  storeLane64: (address: Bytes, x: Bytes, lane: number, offset = 0): Bytes => [...address, ...x, ...simd(0x5b), ...at(offset), lane],
  and: two(...simd(0x4e)),
  andnot: two(...simd(0x4f)),
  or: two(...simd(0x50)),
  not: one(...simd(0x4d)),
  /** `mask ? a : b`, bit by bit. */
  select: (a: Bytes, b: Bytes, mask: Bytes): Bytes => [...a, ...b, ...mask, ...simd(0x52)],
  /** Lanes of 32 bits out of two vectors, numbered 0 to 7. */
  shuffle: (a: Bytes, b: Bytes, ...lanes: number[]): Bytes => [
    ...a,
    ...b,
    ...simd(0x0d),
    ...lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * 4 + byte)),
  ],
  lanes: (...bits: number[]): Bytes => [...simd(0x0c), ...new Uint8Array(Int32Array.from(bits).buffer)],
} as const;

export const i32x4 = {
  add: two(...simd(0xae)),
  sub: two(...simd(0xb1)),
  shl: (x: Bytes, bits: number): Bytes => [...x, ...i32.const(bits), ...simd(0xab)],
  shrS: (x: Bytes, bits: number): Bytes => [...x, ...i32.const(bits), ...simd(0xac)],
} as const;

export const f32x4 = {
  splat: one(...simd(0x13)),
  lane: (x: Bytes, lane: number): Bytes => [...x, ...simd(0x1f), lane],
  replaceLane: (x: Bytes, lane: number, value: Bytes): Bytes => [...x, ...value, ...simd(0x20), lane],
  eq: two(...simd(0x41)),
  ne: two(...simd(0x42)),
  lt: two(...simd(0x43)),
  gt: two(...simd(0x44)),
  le: two(...simd(0x45)),
  ge: two(...simd(0x46)),
  abs: one(...simd(0xe0)),
  neg: one(...simd(0xe1)),
  sqrt: one(...simd(0xe3)),
  add: two(...simd(0xe4)),
  sub: two(...simd(0xe5)),
  mul: two(...simd(0xe6)),
  div: two(...simd(0xe7)),
  pmin: two(...simd(0xea)),
  pmax: two(...simd(0xeb)),
  fromI32x4: one(...simd(0xfa)),
  relaxedMadd: (a: Bytes, b: Bytes, c: Bytes): Bytes => [...a, ...b, ...c, ...simd(0x105)],
  relaxedNmadd: (a: Bytes, b: Bytes, c: Bytes): Bytes => [...a, ...b, ...c, ...simd(0x106)],
} as const;

export const control = {
  /** Runs `body` again and again while `condition`, asked at its end, holds. */
  loop: (body: Bytes, condition: Bytes): Bytes => [0x03, 0x40, ...body, ...condition, 0x0d, 0, 0x0b],
  if: (condition: Bytes, then: Bytes): Bytes => [...condition, 0x04, 0x40, ...then, 0x0b],
  /** Runs `body` unless `condition` holds. */
  unless: (condition: Bytes, body: Bytes): Bytes => [0x02, 0x40, ...condition, 0x0d, 0, ...body, 0x0b],
  call: (index: number, ...parameters: readonly Bytes[]): Bytes => [...parameters.flat(), 0x10, ...unsigned(index)],
  fill: (address: Bytes, value: Bytes, size: Bytes): Bytes => [...address, ...value, ...size, 0xfc, 0x0b, 0],
  copy: (to: Bytes, from: Bytes, size: Bytes): Bytes => [...to, ...from, ...size, 0xfc, 0x0a, 0, 0],
} as const;
