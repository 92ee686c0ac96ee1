/** What a kernel computes: values side by side in each row of its result. */
import type { Program } from '@rnn/core';
import { divide } from '../kernels/walk.js';
import { KernelWriter, sum, whole, type Home, type Tensor } from './kernel-writer.js';

/** One part of a row of a kernel's result. */
export type Root =
  | { readonly kind: 'value'; readonly value: number; readonly width: number }
  /** Zero where a row has ended. */
  | { readonly kind: 'output'; readonly value: number; readonly width: number }
  /** The carried value `index` after the step, and what is due to its initial value because resets cut the sequence. */
  | { readonly kind: 'carried' | 'aside'; readonly index: number; readonly value: number; readonly width: number };

/** What differs between the runs of a program besides sizes. */
export interface Variant {
  /** Steps that hand on a state; otherwise one step whose results are all there is. */
  readonly isLoop: boolean;
  /** Whether some rows end before others. */
  readonly isMasked: boolean;
  readonly resets: 'none' | 'forward' | 'adjoint';
}

/** A mark is the sum of what applies to a row at a step. */
export const ENDED = 1;
export const RESET = 2;

/** How the carried values and what is set aside lie in a row of the state. */
export interface StateLayout {
  readonly carried: readonly number[];
  readonly aside: readonly number[];
  readonly width: number;
}

/** A kernel of a step. */
export interface StepKernel {
  readonly roots: readonly Root[];
  /** Where each root begins in a row, and how wide a row is. */
  readonly columns: readonly number[];
  readonly width: number;
  readonly tensors: readonly Tensor[];
  readonly floats: readonly number[];
  /**
   * Statements that end in `return`. Its arguments are tensors t0, t1, ..., then whole numbers: `at`, the first row of the step among those
   * of all steps, `base`, the same among those that 'inputs' holds, `pitch`, the width of the state; then the numbers c0, c1, ...
   */
  readonly body: string;
}

export interface Surroundings {
  readonly program: Program;
  readonly variant: Variant;
  readonly layout: StateLayout;
  readonly homeOf: (value: number) => Home | undefined;
  /** Whether a value needs a loop that would run for nothing where another value is wanted. */
  readonly hasLoop: (value: number) => boolean;
}

/** Writes the kernel that computes `roots`. */
export function writeKernel(roots: readonly Root[], around: Surroundings): StepKernel {
  const writer = new KernelWriter(around.program, around.homeOf);
  let width = 0;
  const columns = roots.map((root) => (width += root.width) - root.width);
  const statements = writer.block(() => writeRoots(writer, roots, columns, around));
  const uses = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(statements);
  if (uses('mark')) writer.push(`let mark = ${writer.nameOf({ kind: 'marks' })}[line];`);
  const mark = writer.text;
  const split =
    width === 1
      ? 'let row = this.thread.x + 0.0;'
      : `let x = this.thread.x + 0.0; ${divide('x', whole(width), 'row', 'j')}`;
  const line = uses('line') || mark !== '' ? 'let line = row + at;' : '';
  const body = [split, line, mark, statements].filter((text) => text !== '').join('\n');
  return { roots, columns, width, tensors: writer.tensors, floats: writer.floats, body };
}

function writeRoots(
  writer: KernelWriter,
  roots: readonly Root[],
  columns: readonly number[],
  around: Surroundings,
): void {
  if (roots.length === 1) {
    writer.push(`return ${writeRoot(writer, roots[0], roots[0].width === 1 ? '0.0' : 'j', around)};`);
    return;
  }
  writer.push('let y = 0.0;');
  for (let from = 0; from < roots.length;) {
    const { width } = roots[from];
    // Neighbours of one width are computed together, since they mostly have much in common, and one of them is taken.
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
      const names = roots.slice(from, to).map((root) => writeRoot(writer, root, f, around));
      writer.push(`y = ${names[0]};`);
      names.slice(1).forEach((name, i) => writer.push(`if (${part} >= ${whole(i + 1)}) { y = ${name}; }`));
    });
    writer.push(`if (j >= ${whole(start)} && j < ${whole(end)}) {`, text, '}');
    from = to;
  }
  writer.push('return y;');
}

/** The name of a root at feature `f`. */
function writeRoot(writer: KernelWriter, root: Root, f: string, { program, variant, layout }: Surroundings): string {
  const { isMasked, resets } = variant;
  const carriedValue = (index: number): number => program.stacked.length + index;
  if (root.kind === 'value') return writer.read(root.value, f);
  if (root.kind === 'output') return chosen(writer, writer.read(root.value, f), isMasked ? [[HAS_ENDED, '0.0']] : []);
  const { value, index } = root;
  if (root.kind === 'carried') {
    const cases: [string, string | (() => string)][] = [];
    if (isMasked) cases.push([HAS_ENDED, () => writer.read(carriedValue(index), f)]);
    if (resets === 'forward') {
      const start = sum(`row * ${whole(layout.width)}`, whole(layout.carried[index]));
      cases.push([IS_RESET, () => writer.named(`${writer.nameOf({ kind: 'initial' })}[${sum(start, f)}]`)]);
    } else if (resets === 'adjoint') cases.push([IS_RESET, '0.0']);
    return chosen(writer, writer.read(value, f), cases);
  }
  const before = writer.named(
    `${writer.nameOf({ kind: 'state' })}[${sum('row * pitch', whole(layout.aside[index]), f)}]`,
  );
  return chosen(writer, before, [
    [IS_RESET, () => writer.named(`${before} + ${writer.read(value, f)}`)],
    ...(isMasked
      ? [
          [IS_RESET_END, () => writer.named(`${before} + ${writer.read(carriedValue(index), f)}`)] as [
            string,
            () => string,
          ],
        ]
      : []),
  ]);
}

const HAS_ENDED = `mark === ${ENDED} || mark === ${ENDED + RESET}`;
const IS_RESET = `mark >= ${RESET}`;
const IS_RESET_END = `mark > ${RESET}`;

/** `name`, or something else where a condition holds; of several that hold the last one counts. */
function chosen(writer: KernelWriter, name: string, cases: readonly [string, string | (() => string)][]): string {
  if (cases.length === 0) return name;
  const y = writer.fresh();
  writer.push(`let ${y} = ${name};`);
  for (const [condition, other] of cases) {
    const text = writer.block(() => writer.push(`${y} = ${typeof other === 'string' ? other : other()};`));
    writer.push(`if (${condition}) {`, text, '}');
  }
  return y;
}
