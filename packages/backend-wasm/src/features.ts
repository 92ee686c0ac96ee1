/** What the engine can do, found out by asking it to validate modules of a few bytes. */

/** A module with one function, `() -> v128`, of the given instructions. */
function probe(...instructions: number[]): Uint8Array<ArrayBuffer> {
  const body = [0, ...instructions, 0x0b];
  const magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]; // and version
  const types = [1, 5, 1, 0x60, 0, 1, 0x7b]; // () -> v128
  const functions = [3, 2, 1, 0]; // one, of that type
  return Uint8Array.from([...magic, ...types, ...functions, 10, body.length + 2, 1, body.length, ...body]);
}

const ZERO = [0x41, 0, 0xfd, 0x11]; // i32.const 0, i32x4.splat

/** Whether there is WebAssembly at all; a content security policy may still forbid it. */
export function hasWebAssembly(): boolean {
  return typeof WebAssembly === 'object' && typeof WebAssembly.validate === 'function';
}

/** 128-bit SIMD: everything here needs it. */
export function hasSimd(): boolean {
  return WebAssembly.validate(probe(...ZERO));
}

/** `f32x4.relaxed_madd`, a multiplication and an addition with one rounding where the processor can. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(probe(...ZERO, ...ZERO, ...ZERO, 0xfd, 0x85, 0x02));
}
