import { executeProgram } from '@rnn/core';
import type { Backend, CompiledProgram, Program, ProgramArguments, ProgramResults, Storage } from '@rnn/core';
import { Arena } from './compile-arena.js';
import { copyColumns, joinColumns } from './compile-columns.js';
import { OutputChunks } from './output-chunks.js';
import { turnedOperands, turnWeights, type TurnedProgram } from './compile-weights.js';
import type { DeviceArray, DeviceKernel } from './device.js';
import type { Tensor } from './emit/kernel-writer.js';
import { columnsOf, planProgram, type KernelPlan } from './emit/plan.js';
import type { StepKernel } from './emit/roots.js';
import { ROWS_WORTH_TURNING } from './kernels/matmul.js';
import type { Memory } from './memory.js';

/**
 * Turns a program into kernels: a step is one launch for each round of products or reductions that
 * wait for each other, and one for what follows, which also hands on the state. Other types than
 * float32 are left to the primitives.
 *
 * @param backend - runs programs by primitives for which no division into kernels with few enough
 *   operands is found
 */
export function compileProgram(program: Program, memory: Memory, backend: Backend): CompiledProgram | undefined {
  return program.dtype === 'float32' ? new GpuProgram(program, memory, backend) : undefined;
}

/** A plan and its kernels. */
interface Ready {
  readonly plan: KernelPlan;
  /** See `turnWeights`. */
  readonly weights: TurnedProgram['weights'];
  readonly kernels: readonly DeviceKernel[];
}

const noWeights: TurnedProgram['weights'] = new Map();

class GpuProgram implements CompiledProgram {
  private readonly program: Program;
  private readonly memory: Memory;
  private readonly backend: Backend;
  /** For a single step and for a loop, with weights as they are and turned. */
  private readonly ready = new Map<number, Ready | undefined>();

  constructor(program: Program, memory: Memory, backend: Backend) {
    this.program = program;
    this.memory = memory;
    this.backend = backend;
  }

  run(args: ProgramArguments): ProgramResults {
    const { program, memory } = this;
    const isLoop = program.carry.length > 0 && args.steps > 1;
    const ready = this.prepare(isLoop, args.steps * args.rows);
    // Without a state all steps are one, so a per-row constant would have to be there for each of
    // them.
    const isSpread = !isLoop && args.steps > 1 && program.perRow.length > 0;
    if (ready === undefined || isSpread || !this.fits(ready.plan, args))
      return executeProgram(this.backend, program, args);
    const arena = new Arena(memory.device);
    try {
      const results = isLoop ? this.runLoop(arena, ready, args) : this.runOnce(arena, ready, args);
      const wrap = (list: readonly DeviceArray[]): Storage[] =>
        list.map((array) => memory.wrap('float32', arena.take(array)));
      return { ys: wrap(results.outputs), carry: wrap(results.last) };
    } finally {
      arena.clear();
    }
  }

  /** Whether values side by side in a kernel's result are not more than an array holds. */
  private fits({ kernels, isLoop, isPacked }: KernelPlan, { rows }: ProgramArguments): boolean {
    const packed = isPacked ? this.program.xs.reduce((total, width) => total + width, 0) : 0;
    const widest = Math.max(packed, ...kernels.map(({ width }) => width));
    return !isLoop || rows * widest <= this.memory.device.maxSize;
  }

  private prepare(isLoop: boolean, rows: number): Ready | undefined {
    const isTurned = rows >= ROWS_WORTH_TURNING;
    const key = Number(isLoop) + 2 * Number(isTurned);
    if (!this.ready.has(key)) {
      const { program, weights } = isTurned ? turnWeights(this.program) : { program: this.program, weights: noWeights };
      const plan = planProgram(program, isLoop, this.memory.device.description.maxTensors);
      const kernels = plan?.kernels.map((kernel) => this.kernelOf(kernel)) ?? [];
      this.ready.set(key, plan && { plan, weights, kernels });
    }
    return this.ready.get(key);
  }

  private kernelOf({ body, tensors, floats }: StepKernel): DeviceKernel {
    return this.memory.device.kernel(body, () => ({
      tensors: tensors.map((_, i) => `t${i}`),
      ints: ['at', 'base', 'pitch'],
      floats: floats.map((_, i) => `c${i}`),
      body,
    }));
  }

  /** One step, or rows that have nothing to do with each other. */
  private runOnce(arena: Arena, ready: Ready, args: ProgramArguments): DeviceResults {
    const { plan } = ready;
    const operands = this.operandsOf(arena, args, ready);
    const made = launchAll(arena, ready, args.steps * args.rows, [0, 0, 0], (tensor) => operandOf(operands, tensor));
    return {
      outputs: plan.outputs.map(({ kernel }) => made[kernel]),
      last: plan.next.map(({ kernel }) => made[kernel]),
    };
  }

  private runLoop(arena: Arena, ready: Ready, args: ProgramArguments): DeviceResults {
    const { steps, rows } = args;
    const { carry, reverse } = this.program;
    const { plan } = ready;
    const { layout } = plan;
    const operands = this.operandsOf(arena, args, ready);
    const initial = this.initialState(arena, operands.carry, plan, rows);
    const end = plan.kernels.length - 1;
    const { width } = plan.kernels[end];
    const chunks = new OutputChunks(arena, rows, width, plan.keptFrom, reverse);
    const inputs = plan.isPacked ? new PackedInputs(arena, operands.xs, this.program, steps, rows) : undefined;
    let state = initial;
    for (let n = 0; n < steps; n++) {
      const t = reverse ? steps - 1 - n : n;
      const packed = inputs?.at(t);
      const numbers = [t * rows, (t - (packed?.from ?? t)) * rows, n === 0 ? layout.width : width];
      const made = launchAll(arena, ready, rows, numbers, (tensor) => {
        switch (tensor.kind) {
          case 'inputs':
            return packed?.array;
          case 'state':
            return state;
          default:
            return operandOf(operands, tensor);
        }
      });
      state = made[end];
      chunks.push(state);
    }
    const last = carry.map((each, i) =>
      copyColumns(arena, [{ array: state, rows }], { pitch: width, from: layout.carried[i], width: each }),
    );
    return { outputs: chunks.finish(plan.outputs), last };
  }

  private operandsOf(arena: Arena, { xs, carry, perRow, consts }: ProgramArguments, { weights }: Ready): Operands {
    const arrays = (storages: readonly Storage[]): DeviceArray[] =>
      storages.map((storage) => this.memory.arrayOf(storage));
    return {
      xs: arrays(xs),
      carry: arrays(carry),
      perRow: arrays(perRow),
      consts: turnedOperands(arena, arrays(consts), weights),
    };
  }

  /** The carried values side by side. */
  private initialState(arena: Arena, carry: readonly DeviceArray[], { layout }: KernelPlan, rows: number): DeviceArray {
    if (carry.length === 1) return carry[0];
    const parts = carry.map((array, i) => ({
      array,
      width: this.program.carry[i],
      column: layout.carried[i],
    }));
    return joinColumns(arena, parts, { from: 0, rows, width: layout.width });
  }
}

/** `xs` of some steps side by side: of as many as an array holds. */
class PackedInputs {
  private readonly arena: Arena;
  private readonly xs: readonly DeviceArray[];
  private readonly widths: readonly number[];
  private readonly rows: number;
  private readonly steps: number;
  /** Steps that are packed at a time. */
  private readonly span: number;
  private readonly width: number;
  private packed: { readonly from: number; readonly array: DeviceArray } | undefined;

  constructor(arena: Arena, xs: readonly DeviceArray[], program: Program, steps: number, rows: number) {
    this.arena = arena;
    this.xs = xs;
    this.widths = program.xs;
    this.rows = rows;
    this.steps = steps;
    this.width = this.widths.reduce((total, width) => total + width, 0);
    this.span = Math.max(1, Math.min(steps, Math.floor(arena.device.maxSize / (rows * this.width))));
  }

  /** What holds step `t`, and the first step in it. */
  at(t: number): { readonly from: number; readonly array: DeviceArray } {
    const from = t - (t % this.span);
    if (this.packed?.from === from) return this.packed;
    if (this.packed !== undefined) this.arena.release(this.packed.array);
    const columns = columnsOf(this.widths);
    const parts = this.xs.map((array, i) => ({ array, width: this.widths[i], column: columns[i] }));
    const count = Math.min(this.span, this.steps - from) * this.rows;
    const array = joinColumns(this.arena, parts, { from: from * this.rows, rows: count, width: this.width });
    this.packed = { from, array };
    return this.packed;
  }
}

interface Operands {
  readonly xs: readonly DeviceArray[];
  readonly carry: readonly DeviceArray[];
  readonly perRow: readonly DeviceArray[];
  readonly consts: readonly DeviceArray[];
}

interface DeviceResults {
  readonly outputs: readonly DeviceArray[];
  readonly last: readonly DeviceArray[];
}

function operandOf(operands: Operands, tensor: Tensor): DeviceArray | undefined {
  return tensor.kind === 'xs' || tensor.kind === 'carry' || tensor.kind === 'perRow' || tensor.kind === 'consts'
    ? operands[tensor.kind][tensor.index]
    : undefined;
}

/**
 * Launches the kernels of a step; returns their results, of which those that nobody wants any more
 * are released.
 */
function launchAll(
  arena: Arena,
  { plan, kernels }: Ready,
  rows: number,
  numbers: readonly number[],
  arrayOf: (tensor: Tensor) => DeviceArray | undefined,
): DeviceArray[] {
  const made: DeviceArray[] = [];
  plan.kernels.forEach(({ tensors, floats, width }, k) => {
    const arrays = tensors.map((tensor) => {
      const array = tensor.kind === 'kernel' ? made[tensor.index] : arrayOf(tensor);
      if (array === undefined) throw new TypeError(`a kernel reads ${tensor.kind}, which is not there`);
      return array;
    });
    made.push(arena.run(kernels[k], rows * width, arrays, [...numbers, ...floats]));
    for (const expired of plan.expires[k]) arena.release(made[expired]);
  });
  return made;
}
