/** Columns of rows: taken out, put side by side. */
import type { Arena } from './compile-arena.js';
import type { DeviceArray, DeviceKernel } from './device.js';
import { divide } from './kernels/walk.js';

/** The numbers of pieces for which there are kernels; a missing piece is another one again. */
const COUNTS: readonly number[] = [1, 2, 4, 7, 10, 14, 16];

/** As many pieces are put together at most, on a device that allows it. */
export const MOST_PIECES: number = COUNTS[COUNTS.length - 1];

/** Columns of rows of `pitch` numbers. */
export interface Columns {
  readonly pitch: number;
  readonly from: number;
  readonly width: number;
}

/** Some columns of arrays of one pitch, as many as a kernel takes, one below the other. */
export function copyColumns(
  arena: Arena,
  pieces: readonly { readonly array: DeviceArray; readonly rows: number }[],
  { pitch, from, width }: Columns,
): DeviceArray {
  const fitting = COUNTS.find((each) => each >= pieces.length) ?? pieces.length;
  const count = fitting <= arena.device.description.maxTensors ? fitting : pieces.length;
  let end = 0;
  const ends = pieces.map(({ rows }) => (end += rows));
  const total = end;
  const missing = Array.from({ length: count - pieces.length }, () => pieces[0].array);
  return arena.run(
    columnsKernel(arena, count),
    total * width,
    [...pieces.map(({ array }) => array), ...missing],
    [width, pitch, from, ...ends.slice(0, -1), ...missing.map(() => total)],
  );
}

function columnsKernel({ device }: Arena, count: number): DeviceKernel {
  return device.kernel(`columns ${count}`, () => {
    const names = Array.from({ length: count }, (_, i) => `t${i}`);
    const reads = names.map((name, i) => {
      const start = i === 0 ? '' : ` - end${i - 1}`;
      const after = i === 0 ? [] : [`row >= end${i - 1}`];
      const before = i === count - 1 ? [] : [`row < end${i}`];
      const read = `y = ${name}[(row${start}) * pitch + column];`;
      const condition = [...after, ...before].join(' && ');
      return condition === '' ? read : `if (${condition}) { ${read} }`;
    });
    return {
      tensors: names,
      ints: ['width', 'pitch', 'from', ...names.slice(1).map((_, i) => `end${i}`)],
      body: [
        `let x = this.thread.x + 0.0; ${divide('x', 'width', 'row', 'f')}`,
        'let column = f + from;',
        'let y = 0.0;',
        ...reads,
        'return y;',
      ].join('\n'),
    };
  });
}

/** Rows of an array, which are put at a column of wider rows. */
export interface Part {
  readonly array: DeviceArray;
  readonly width: number;
  readonly column: number;
}

/**
 * Rows of parts, `rows` of them from row `from` on, at their columns of rows of `width` numbers;
 * zeros where no part is.
 */
export function joinColumns(
  arena: Arena,
  parts: readonly Part[],
  { from, rows, width }: { readonly from: number; readonly rows: number; readonly width: number },
): DeviceArray {
  const most = arena.device.description.maxTensors;
  if (parts.length <= most) return join(arena, parts, { from, rows, width });
  // What is joined of the first parts is one of the parts to join with the rest.
  let joined = join(arena, parts.slice(0, most), { from, rows, width });
  for (let next = most; next < parts.length; next += most - 1) {
    const more = join(arena, parts.slice(next, next + most - 1), { from, rows, width }, joined);
    arena.release(joined);
    joined = more;
  }
  return joined;
}

/** The same in one kernel; where no part is, what is `under` them. */
function join(
  arena: Arena,
  parts: readonly Part[],
  { from, rows, width }: { readonly from: number; readonly rows: number; readonly width: number },
  under?: DeviceArray,
): DeviceArray {
  const kernel = arena.device.kernel(`join columns ${parts.length}${under === undefined ? '' : ' under'}`, () => {
    const reads = parts.map((_, i) => {
      const place = `t${i}[(row + from) * width${i} + j - column${i}]`;
      return `if (j >= column${i} && j < column${i} + width${i}) { y = ${place}; }`;
    });
    return {
      tensors: [...parts.map((_, i) => `t${i}`), ...(under === undefined ? [] : ['under'])],
      ints: ['width', 'from', ...parts.flatMap((_, i) => [`width${i}`, `column${i}`])],
      body: [
        `let x = this.thread.x + 0.0; ${divide('x', 'width', 'row', 'j')}`,
        under === undefined ? 'let y = 0.0;' : 'let y = under[this.thread.x];',
        ...reads,
        'return y;',
      ].join('\n'),
    };
  });
  return arena.run(
    kernel,
    rows * width,
    [...parts.map(({ array }) => array), ...(under === undefined ? [] : [under])],
    [width, from, ...parts.flatMap((part) => [part.width, part.column])],
  );
}
