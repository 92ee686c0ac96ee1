import type { Device, DeviceArray } from '../device.js';
import { divide } from './walk.js';

/** A piece of a concatenation: rows of `run` elements. */
export interface Part {
  readonly array: DeviceArray;
  readonly run: number;
}

/** How many pieces a kernel joins; WebGPU allows seven operands. */
const WIDEST = 6;

/**
 * Pieces side by side, `outer` rows of each. More than a kernel takes are joined in groups first.
 */
export function concat(device: Device, parts: readonly Part[], outer: number): DeviceArray {
  if (parts.length <= WIDEST) return join(device, parts, outer);
  // as few groups as possible, but no more than one kernel joins afterwards
  const perGroup = Math.max(WIDEST, Math.ceil(parts.length / WIDEST));
  const groups: Part[] = [];
  const made: DeviceArray[] = [];
  for (let i = 0; i < parts.length; i += perGroup) {
    const group = parts.slice(i, i + perGroup);
    if (group.length === 1) {
      groups.push(group[0]);
      continue;
    }
    const array = concat(device, group, outer);
    made.push(array);
    groups.push({ array, run: group.reduce((total, { run }) => total + run, 0) });
  }
  const result = join(device, groups, outer);
  for (const array of made) device.release(array);
  return result;
}

function join(device: Device, parts: readonly Part[], outer: number): DeviceArray {
  const kernel = device.kernel(`concat ${parts.length}`, () => {
    const names = parts.map((_, i) => `p${i}`);
    // end_i is where the piece i ends in a row of the result, and piece i + 1 begins
    const reads = names.map((name, i) => {
      const start = i === 0 ? '' : ` - end${i - 1}`;
      const run = i === 0 ? 'end0' : `(end${i} - end${i - 1})`;
      const from = i === 0 ? '' : `c >= end${i - 1} && `;
      return `if (${from}c < end${i}) { y = ${name}[row * ${run} + c${start}]; }`;
    });
    const total = `end${parts.length - 1}`;
    return {
      tensors: names,
      ints: parts.map((_, i) => `end${i}`),
      body: `let x = this.thread.x + 0.0; ${divide('x', total, 'row', 'c')} let y = 0.0; ${reads.join(' ')} return y;`,
    };
  });
  let end = 0;
  const ends = parts.map(({ run }) => (end += run));
  return device.run(
    kernel,
    end * outer,
    parts.map(({ array }) => array),
    ends,
  );
}
