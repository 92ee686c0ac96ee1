/** Arranges the values of a program in kernels. */
import { firstInstruction, isConst, widthsOf, type Program } from '@rnn/core';
import { whole, type Home } from './kernel-writer.js';
import { writeKernel, type KernelOutput, type StateLayout, type StepKernel, type KernelContext } from './roots.js';
import { roundsOf } from './rounds.js';
import { isLoop, rowOperandsOf, storedValues } from './stored.js';

/** The kernels of a step, in order. */
export interface KernelPlan {
  /** Whether steps hand on a state; otherwise there is one step, whose results are all there is. */
  readonly isLoop: boolean;
  readonly kernels: readonly StepKernel[];
  /** For each kernel, those whose results are read there for the last time. */
  readonly expires: readonly (readonly number[])[];
  readonly layout: StateLayout;
  /** Whether `xs` are wanted side by side in one tensor. */
  readonly isPacked: boolean;
  /**
   * Where outputs and carried values are found after the step. In a loop that is always the last
   * kernel.
   */
  readonly outputs: readonly OutputLocation[];
  readonly next: readonly OutputLocation[];
  /**
   * In a loop, the first column of the last kernel that belongs to an output: those before it are
   * the state's alone.
   */
  readonly keptFrom: number;
}

/** Columns of a kernel's result. */
interface OutputLocation {
  readonly kernel: number;
  readonly column: number;
  readonly width: number;
}

/** How often values are moved to kernels of their own before a program is given up. */
const ATTEMPTS = 24;

/**
 * Plans a step of a program. The values that have to be stored (`storedValues`) are computed in as
 * few rounds as their dependencies allow, each round in one kernel where its operands are not too
 * many; the last kernel computes the state and the outputs. Where a kernel has too many operands,
 * those of a loop that are `xs` are put side by side into one before it; if that is not enough,
 * a value inside it is stored by a kernel before.
 *
 * @param isLoop - whether steps hand on a state
 * @param maxTensors - how many operands a kernel may have
 * @returns nothing if no such division was found
 */
export function planProgram(program: Program, isLoop: boolean, maxTensors: number): KernelPlan | undefined {
  const last = lastRoots(program, isLoop);
  const plain: PlanTask = { program, isLoop, last, maxTensors, isPacked: false, materializesAll: false };
  const stored = storedValues(
    program,
    last.roots.map(({ value }) => value),
  );
  const all: PlanTask = { ...plain, materializesAll: true };
  const packed: PlanTask = { ...all, isPacked: isLoop && program.xs.length > 1 };
  for (const task of [plain, all, packed]) {
    const { kernels, excess } = arrange(task, stored);
    if (excess === 0) return finished(task, kernels);
  }
  return divided(packed, stored);
}

/** A plan in which values are stored one by one until no kernel has too many operands. */
function divided(task: PlanTask, stored: Set<number>): KernelPlan | undefined {
  const first = firstInstruction(task.program);
  let best = arrange(task, stored);
  for (let attempt = 0; best.excess > 0 && attempt < ATTEMPTS; attempt++) {
    let choice: { value: number; arrangement: Arrangement } | undefined;
    for (const value of best.overBudget) {
      if (value < first || stored.has(value)) continue;
      const arrangement = arrange(task, new Set([...stored, value]));
      if (choice === undefined || isBetter(arrangement, choice.arrangement)) choice = { value, arrangement };
    }
    if (choice === undefined) return undefined;
    stored.add(choice.value);
    best = choice.arrangement;
  }
  return best.excess > 0 ? undefined : finished(task, best.kernels);
}

/** What a plan is made for. */
interface PlanTask {
  readonly program: Program;
  readonly isLoop: boolean;
  readonly last: Last;
  readonly maxTensors: number;
  readonly isPacked: boolean;
  /** See `roundsOf`. */
  readonly materializesAll: boolean;
}

/** What the last kernels compute, and where the state lies. */
interface Last {
  readonly roots: readonly KernelOutput[];
  readonly layout: StateLayout;
  readonly keptFrom: number;
}

function lastRoots(program: Program, isLoop: boolean): Last {
  const { carry, carryOut, ys } = program;
  const widths = widthsOf(program);
  const states = carryOut.map((value, index): KernelOutput => ({ kind: 'carry', index, value, width: carry[index] }));
  const outputRoot = (value: number): KernelOutput => ({ kind: 'output', value, width: widths[value] });
  if (!isLoop) return { roots: [...states, ...ys.map(outputRoot)], layout: { carried: [], width: 0 }, keptFrom: 0 };
  // A carried value that is an output as well is there once.
  const shared = new Set<KernelOutput>();
  const separate = [...new Set(ys)].filter((value) => {
    const state = states.find((root) => root.value === value && root.width === widths[value]);
    if (state !== undefined) shared.add(state);
    return state === undefined;
  });
  separate.sort((a, b) => widths[b] - widths[a]);
  const own = states.filter((root) => !shared.has(root));
  const roots = [...own, ...shared, ...separate.map(outputRoot)];
  const columns = columnsOf(roots.map(({ width }) => width));
  return {
    roots,
    layout: {
      carried: states.map((root) => columns[roots.indexOf(root)]),
      width: carry.reduce((total, width) => total + width, 0),
    },
    keptFrom: own.reduce((total, { width }) => total + width, 0),
  };
}

/** Where values of these widths begin that lie side by side. */
export function columnsOf(widths: readonly number[]): number[] {
  let column = 0;
  return widths.map((width) => (column += width) - width);
}

interface Arrangement {
  readonly kernels: readonly StepKernel[];
  /** How many operands are too many, in all. */
  readonly excess: number;
  /** Values that kernels with too many operands compute on the way. */
  readonly overBudget: ReadonlySet<number>;
}

function isBetter(a: Arrangement, b: Arrangement): boolean {
  return a.excess < b.excess || (a.excess === b.excess && a.kernels.length < b.kernels.length);
}

function arrange(task: PlanTask, stored: ReadonlySet<number>): Arrangement {
  const { program, isLoop, last, maxTensors } = task;
  const { roots } = last;
  const first = firstInstruction(program);
  const widths = widthsOf(program);
  const kernels: StepKernel[] = [];
  const homes = new Map<number, Home>();
  operandHomes(task).forEach((home, value) => homes.set(value, home));
  const results = new Set(roots.map(({ value }) => value));
  const { rounds, handedOn } = roundsOf(program, results, stored, task.materializesAll);
  const around: KernelContext = {
    program,
    homeOf: (value) => homes.get(value),
    hasLoop: (value) => hasLoop(program, value, homes),
  };
  let excess = 0;
  const overBudget = new Set<number>();
  const add = (kernel: StepKernel): void => {
    const over = kernel.tensors.length - maxTensors;
    if (over > 0) {
      excess += over;
      for (const root of kernel.roots) inside(program, root.value, homes, overBudget);
    }
    kernels.push(kernel);
  };

  const isComputedIn = (round: number) => (value: number) => rounds.get(value) === round;
  const end = Math.max(-1, ...[...stored].map((value) => rounds.get(value) ?? -1)) + 1;
  for (let round = 0; round < end; round++) {
    const made: StepKernel[] = [];
    const join = (value: number, isNeeded: boolean): void => {
      const root: KernelOutput = { kind: 'value', value, width: widths[value] };
      const previous = made[made.length - 1];
      // Side by side while the operands allow it; outside of a loop each is a storage that may be
      // handed out.
      if (isLoop && made.length > 0) {
        const joined = writeKernel(byWidth([...previous.roots, root]), around);
        if (joined.tensors.length <= maxTensors) {
          made[made.length - 1] = joined;
          return;
        }
      }
      if (isNeeded) made.push(writeKernel([root], around));
    };
    for (const value of [...stored].filter(isComputedIn(round)).sort((a, b) => a - b)) join(value, true);
    // What later rounds would compute again costs no launch here.
    if (isLoop)
      for (const value of handedOn.filter(isComputedIn(round))) if (!around.hasLoop(value)) join(value, false);
    for (const kernel of made) add(kernel);
    made.forEach((kernel, i) => {
      const index = kernels.length - made.length + i;
      kernel.roots.forEach(({ value }, r) => {
        const start = `row * ${whole(kernel.width)}${kernel.columns[r] === 0 ? '' : ` + ${whole(kernel.columns[r])}`}`;
        homes.set(value, { tensor: { kind: 'kernel', index }, start });
      });
    });
  }
  if (isLoop) add(writeKernel(roots, around));
  else {
    const handed = new Set<number>();
    for (const root of roots) {
      // A stored value is handed out as it is, once.
      if (root.value >= first && stored.has(root.value) && !handed.has(root.value)) handed.add(root.value);
      else add(writeKernel([root], around));
    }
  }
  return { kernels, excess, overBudget };
}

/** Where the operands of a program are read. */
function operandHomes({ program, isLoop, last, isPacked }: PlanTask): Home[] {
  const { xs, carry, perRow, consts } = program;
  const all = xs.reduce((total, width) => total + width, 0);
  const columns = columnsOf(xs);
  const at = (start: string, column: number): string => (column === 0 ? start : `${start} + ${whole(column)}`);
  return [
    ...xs.map((width, index): Home =>
      isPacked
        ? { tensor: { kind: 'inputs' }, start: at(`(row + base) * ${whole(all)}`, columns[index]) }
        : { tensor: { kind: 'xs', index }, start: `line * ${whole(width)}` },
    ),
    ...carry.map((width, index): Home =>
      isLoop
        ? { tensor: { kind: 'state' }, start: at('row * pitch', last.layout.carried[index]) }
        : { tensor: { kind: 'carry', index }, start: `row * ${whole(width)}` },
    ),
    ...perRow.map((width, index): Home => ({ tensor: { kind: 'perRow', index }, start: `row * ${whole(width)}` })),
    ...consts.map((_, index): Home => ({ tensor: { kind: 'consts', index }, start: '0.0' })),
  ];
}

/** Values of one width next to each other. */
function byWidth(roots: readonly KernelOutput[]): KernelOutput[] {
  return [...roots].sort((a, b) => b.width - a.width || a.value - b.value);
}

/** Whether a product or a reduction is computed on the way to a value. */
function hasLoop(program: Program, value: number, homes: ReadonlyMap<number, Home>): boolean {
  if (homes.has(value)) return false;
  const instruction = program.body[value - firstInstruction(program)];
  if (isLoop(instruction)) return true;
  return rowOperandsOf(instruction).some((x) => hasLoop(program, x, homes));
}

/** Collects the values that are computed on the way to a value, itself included. */
function inside(program: Program, value: number, homes: ReadonlyMap<number, Home>, into: Set<number>): void {
  if (homes.has(value) || isConst(program, value) || into.has(value)) return;
  into.add(value);
  for (const x of rowOperandsOf(program.body[value - firstInstruction(program)])) inside(program, x, homes, into);
}

function finished({ program, isLoop, last, isPacked }: PlanTask, kernels: readonly StepKernel[]): KernelPlan {
  const expires: number[][] = kernels.map(() => []);
  const end = kernels.length - 1;
  const used = new Set<KernelOutput>();
  const locationOf = (matches: (root: KernelOutput) => boolean): OutputLocation => {
    for (let kernel = end; kernel >= 0; kernel--) {
      const { roots, columns } = kernels[kernel];
      const r = roots.findIndex((root) => matches(root) && (isLoop || !used.has(root)));
      if (r < 0) continue;
      used.add(roots[r]);
      return { kernel, column: columns[r], width: roots[r].width };
    }
    throw new TypeError('a result is computed by no kernel');
  };
  const next = program.carryOut.map((value, i) =>
    locationOf(
      (root) =>
        (root.kind === 'carry' && root.index === i) || (!isLoop && root.kind === 'value' && root.value === value),
    ),
  );
  const widths = widthsOf(program);
  const outputs = program.ys.map((value) =>
    locationOf(
      (root) => root.value === value && root.kind !== (isLoop ? 'value' : 'carry') && root.width === widths[value],
    ),
  );
  const results = new Set([...next, ...outputs].map(({ kernel }) => kernel));
  kernels.forEach((_, made) => {
    if (results.has(made)) return;
    let lastRead = made;
    kernels.forEach(({ tensors }, reader) => {
      if (tensors.some((tensor) => tensor.kind === 'kernel' && tensor.index === made)) lastRead = reader;
    });
    expires[lastRead].push(made);
  });
  const { layout, keptFrom } = last;
  return { isLoop, kernels, expires, layout, isPacked, outputs, next, keptFrom };
}
