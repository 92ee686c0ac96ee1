/** Numbers out of text, and into the order in which products read them. */
import type { PlanConstant } from '../plan.js';

/** Bytes of base64, without the functions that an AudioWorklet lacks. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  // What fills the last four characters stands for no bytes: WebAssembly takes none that are not
  // its own.
  let length = text.length;
  while (text.charCodeAt(length - 1) === 61) length--;
  const bytes = new Uint8Array((length * 3) >> 2);
  let [at, bits, held] = [0, 0, 0];
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    // A-Z, a-z, 0-9, +, /
    const value = code > 96 ? code - 71 : code > 64 ? code - 65 : code > 47 ? code + 4 : code === 43 ? 62 : 63;
    bits = ((bits << 6) | value) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes[at++] = bits >> held;
  }
  return bytes;
}

/** A float16 as a number. */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size =
    exponent === 31
      ? fraction === 0
        ? Infinity
        : NaN
      : exponent === 0
        ? fraction * 2 ** -24
        : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -size : size;
}

/**
 * Puts a model's numbers into its memory.
 *
 * @param text - base64 of float32 or float16, little-endian
 */
export function loadConstants(
  memory: Float32Array,
  text: string,
  constants: readonly PlanConstant[],
  isHalf: boolean,
): void {
  const bytes = bytesOf(text);
  const view = new DataView(bytes.buffer);
  let next = 0;
  const take = (): number => {
    const at = next++;
    return isHalf ? half(view.getUint16(at * 2, true)) : view.getFloat32(at * 4, true);
  };
  for (const { at, n, k } of constants) {
    const start = at >> 2;
    if (k === 0) for (let i = 0; i < n; i++) memory[start + i] = take();
    // A matrix [n, k]: column j of the product is row j of the file. Up to four columns too many
    // hold zeros.
    const columns = k === 0 ? 0 : n;
    for (let j = 0; j < columns; j++) {
      const isWide = j < panelsOf(n);
      const panel = isWide ? j & ~15 : j & ~3;
      const to = start + panel * k + j - panel;
      for (let i = 0; i < k; i++) memory[to + i * (isWide ? 16 : 4)] = take();
    }
  }
}

/** How many columns of n lie in panels of 16, as both kernels count: more than 12 make a panel. */
function panelsOf(n: number): number {
  const columns = (n + 3) & ~3;
  return (columns + 3) & ~15;
}
