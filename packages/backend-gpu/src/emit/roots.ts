/** What a kernel computes: values side by side in each row of its result. */
import type { Program } from '@rnn/core';
import { divide } from '../kernels/walk.js';
import { KernelWriter, whole, type Home, type Tensor } from './kernel-writer.js';

/**
 * One part of a row of a kernel's result: a value that later kernels read, an output, or the
 * carried value `index` after the step.
 */
export type KernelOutput =
  | { readonly kind: 'value' | 'output'; readonly value: number; readonly width: number }
  | { readonly kind: 'carry'; readonly index: number; readonly value: number; readonly width: number };

/** How the carried values lie in a row of the state. */
export interface StateLayout {
  readonly carried: readonly number[];
  readonly width: number;
}

/** A kernel of a step. */
export interface StepKernel {
  readonly roots: readonly KernelOutput[];
  /** Where each root begins in a row, and how wide a row is. */
  readonly columns: readonly number[];
  readonly width: number;
  readonly tensors: readonly Tensor[];
  readonly floats: readonly number[];
  /**
   * Statements that end in `return`. Its arguments are tensors t0, t1, ..., then whole numbers:
   * `at`, the first row of the step among those of all steps, `base`, the same among those that
   * 'inputs' holds, `pitch`, the width of the state; then the numbers c0, c1, ...
   */
  readonly body: string;
}

export interface KernelContext {
  readonly program: Program;
  readonly homeOf: (value: number) => Home | undefined;
  /** Whether a value needs a loop that would run for nothing where another value is wanted. */
  readonly hasLoop: (value: number) => boolean;
}

/** Writes the kernel that computes `roots`. */
export function writeKernel(roots: readonly KernelOutput[], around: KernelContext): StepKernel {
  const writer = new KernelWriter(around.program, around.homeOf);
  let width = 0;
  const columns = roots.map((root) => (width += root.width) - root.width);
  const statements = writer.block(() => writeRoots(writer, roots, columns, around));
  const uses = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(statements);
  const split =
    width === 1
      ? 'let row = this.thread.x + 0.0;'
      : `let x = this.thread.x + 0.0; ${divide('x', whole(width), 'row', 'j')}`;
  const line = uses('line') ? 'let line = row + at;' : '';
  const body = [split, line, statements].filter((text) => text !== '').join('\n');
  return { roots, columns, width, tensors: writer.tensors, floats: writer.floats, body };
}

function writeRoots(
  writer: KernelWriter,
  roots: readonly KernelOutput[],
  columns: readonly number[],
  around: KernelContext,
): void {
  if (roots.length === 1) {
    writer.push(`return ${writer.read(roots[0].value, roots[0].width === 1 ? '0.0' : 'j')};`);
    return;
  }
  writer.push('let y = 0.0;');
  for (let from = 0; from < roots.length;) {
    const { width } = roots[from];
    // Neighbours of one width are computed together, since they mostly have much in common, and one
    // of them is taken.
    let to = from + 1;
    const isShared = (i: number): boolean => roots[i].width === width && !around.hasLoop(roots[i].value);
    if (isShared(from)) while (to < roots.length && isShared(to)) to++;
    const [start, end] = [columns[from], columns[to - 1] + width];
    const text = writer.block(() => {
      const place = start === 0 ? 'j' : writer.named(`j - ${whole(start)}`);
      let [part, f] = ['0.0', place];
      if (to - from > 1) {
        part = writer.fresh();
        f = `${part}f`;
        writer.push(divide(place, whole(width), part, f));
      }
      if (width === 1) f = '0.0';
      const names = roots.slice(from, to).map(({ value }) => writer.read(value, f));
      writer.push(`y = ${names[0]};`);
      names.slice(1).forEach((name, i) => writer.push(`if (${part} >= ${whole(i + 1)}) { y = ${name}; }`));
    });
    writer.push(`if (j >= ${whole(start)} && j < ${whole(end)}) {`, text, '}');
    from = to;
  }
  writer.push('return y;');
}
