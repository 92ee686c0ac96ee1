/** What the device's arithmetic is like, found out by computing. */
import type { Device } from '../device.js';
import { addTo, settleSum, startSum } from './sums.js';

/** What differs between devices, and shows in results. */
export interface Arithmetic {
  /** Whether the device's compiler leaves compensated sums as they are written; see `sums.ts`. */
  readonly compensatesSums: boolean;
  /**
   * Whether numbers below 2^-126, the smallest normal one of float32, are computed with, rather
   * than taken for 0.
   */
  readonly keepsSubnormals: boolean;
}

/** Launches a kernel of two elements, an answer each, and waits for them. */
export async function probe(device: Device): Promise<Arithmetic> {
  const kernel = device.kernel('probe', () => ({
    tensors: ['a'],
    body: `
      ${startSum('s')}
      for (let k = 0; k < 3; k++) { ${addTo('s', 'a[k]')} }
      ${settleSum('s')}
      let y = 0.0;
      if (s > 0) { y = 1.0; }
      if (this.thread.x === 1) {
        y = 0.0;
        if (a[3] > 0 && a[1] * a[4] > 0) { y = 1.0; }
      }
      return y;`,
  }));
  // 1 + 2^-30 - 1, a subnormal number, and two numbers with a subnormal product
  const sent = device.upload(Float32Array.of(1, 2 ** -30, -1, 2 ** -130, 2 ** -100));
  const result = device.run(kernel, 2, [sent]);
  const [sum, subnormal] = await device.read(result);
  for (const array of [sent, result]) device.release(array);
  return { compensatesSums: sum === 1, keepsSubnormals: subnormal === 1 };
}
