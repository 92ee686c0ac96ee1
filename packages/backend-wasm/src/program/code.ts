/** The module of a program: a function for each region, one for a step, one for the whole run. */
import type { Program } from '@rnn/core';
import { encodeModule, F32, I32, type Bytes, type FunctionCode, type ImportedFunction, type ValueType } from '../emit/binary-format.js';
import { FunctionBuilder } from '../emit/function-builder.js';
import { control, f32x4, i32, v128 } from '../emit/instructions.js';
import { FEW, Frame, LENGTHS, RESETS, RESETS_STEP, ROWS, STEPS, TIME } from './frame.js';
import type { Access, Place } from './nodes.js';
import { regionCode } from './regions.js';
import { schedule, type Schedule } from './schedule.js';

const numbers = (count: number): ValueType[] => Array.from({ length: count }, () => I32);

/** Functions of the kernels that compiled programs call, in the order of their numbers. */
const IMPORTS: readonly ImportedFunction[] = [
  { name: 'product', type: { parameters: numbers(12), results: [] } },
  { name: 'vectors', type: { parameters: numbers(11), results: [] } },
  { name: 'vectorsTransposed', type: { parameters: numbers(11), results: [] } },
  { name: 'power', type: { parameters: [F32, F32], results: [F32] } },
];
const PRODUCT = 0;
const VECTORS = 1;
const VECTORS_TRANSPOSED = 2;
const POWER = 3;

/** What a run has to know besides the module. */
export interface ProgramCode {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly frame: Frame;
  readonly schedule: Schedule;
}

/** Writes the module of a program. It exports `run(frame)`. */
export function programCode(program: Program, relaxed: boolean, memory: { readonly maximum: number; readonly shared: boolean }): ProgramCode {
  const plan = schedule(program);
  const frame = new Frame(program, plan);
  const functions: FunctionCode[] = [];
  const add = (code: FunctionCode): number => IMPORTS.length + functions.push(code) - 1;

  const step = new FunctionBuilder([I32]);
  for (let region = 0; region < plan.regions; region++) {
    const code = regionCode(region, { program, schedule: plan, frame, relaxed, power: POWER });
    if (code !== undefined) step.emit(control.call(add(code), step.parameter(0)));
    for (const [i, time] of plan.times.entries()) if (time.region === region) writeProduct(step, i, program, plan, frame);
  }
  const settle = add(settleCode(program, frame));
  const start = add(startCode(program, frame));
  const stepIndex = add(step.finish());
  functions.push(runCode(program, frame, { step: stepIndex, settle, start }));
  return { bytes: encodeModule(IMPORTS, functions, memory), frame, schedule: plan };
}

function writeProduct(fn: FunctionBuilder, index: number, program: Program, { nodes, homes, stores }: Schedule, frame: Frame): void {
  const { work, width } = nodes[index];
  if (work.kind !== 'matmul' || homes[index] === undefined) return;
  const parameter = fn.parameter(0);
  const word = (place: Place): Bytes => i32.add(i32.load(parameter, frame.word(place.base.kind, place.base.index) * 4), i32.const(place.offset));
  const placeOf = ({ node, offset }: Access): Place => {
    const home = homes[node];
    if (home === undefined) throw new TypeError(`node ${node} is an operand of a product but has no place in memory`);
    return { ...home, offset: home.offset + offset * 4 };
  };
  const fixed = work.weight - program.stacked.length - program.carried.length;
  const x = placeOf(work.x);
  const init = work.init === undefined ? undefined : placeOf(work.init);
  const out = homes[index];
  const { rows: weightRows, columns: weightColumns } = program.fixed[fixed];
  const k = work.transposed ? weightColumns : weightRows;
  const rows = i32.load(parameter, ROWS * 4);
  const target = [word(out), i32.const(out.rowBytes)] as const;
  const begin = [init === undefined ? i32.const(0) : word(init), i32.const(init?.rowBytes ?? 0)] as const;
  const left = [word(x), i32.const(x.rowBytes)] as const;
  const few = control.call(
    work.transposed ? VECTORS_TRANSPOSED : VECTORS,
    ...left,
    i32.load(parameter, frame.word('fixed', fixed) * 4),
    i32.const(weightColumns * 4),
    ...target,
    ...begin,
    rows,
    i32.const(k),
    i32.const(width),
  );
  const packed = i32.load(parameter, frame.word('packed', fixed) * 4);
  const many = control.call(PRODUCT, ...left, i32.const(4), packed, ...target, ...begin, rows, i32.const(k), i32.const(width), i32.const(0));
  fn.emit(i32.load(parameter, FEW * 4), [0x04, 0x40], few, [0x05], many, [0x0b]);
  for (const place of stores[index]) {
    if (place !== out) throw new TypeError('a product is written to one place');
  }
}

/** Calls `write` with the address of row `row` and its number, for every row. */
function eachRow(fn: FunctionBuilder, write: (row: Bytes) => void): void {
  fn.count(i32.load(fn.parameter(0), ROWS * 4), 1, write);
}

function isGoing(fn: FunctionBuilder, row: Bytes): Bytes {
  const frame = fn.parameter(0);
  const lengths = i32.load(frame, LENGTHS * 4);
  const going = i32.ltS(i32.load(frame, TIME * 4), i32.load(i32.add(lengths, i32.mul(row, i32.const(4)))));
  return i32.if(lengths, going, i32.const(1));
}

function isReset(fn: FunctionBuilder, row: Bytes): Bytes {
  const resets = i32.load(fn.parameter(0), RESETS * 4);
  return i32.if(resets, i32.load8(i32.add(resets, row)), i32.const(0));
}

/** Before a step: where a row starts afresh, its state becomes the initial one. */
function startCode({ carried }: Program, frame: Frame): FunctionCode {
  const fn = new FunctionBuilder([I32]);
  eachRow(fn, (row) => {
    const inner = fn.block(() =>
      carried.forEach((width, i) => {
        const at = (kind: 'carried' | 'initial'): Bytes =>
          i32.add(i32.load(fn.parameter(0), frame.word(kind, i) * 4), i32.mul(row, i32.const(width * 4)));
        // In the first step the state is the initial one itself.
        fn.emit(control.copy(at('carried'), at('initial'), i32.const(width * 4)));
      }),
    );
    fn.emit(control.if(i32.and(isReset(fn, row), isGoing(fn, row)), inner));
  });
  return fn.finish();
}

/**
 * After a step: a row that is over keeps its state and puts out zeros. In the loop of a derivative, what a row that started afresh hands back is
 * due to the initial state: it is set aside.
 */
function settleCode({ carried, outputs, adjoint }: Program, frame: Frame): FunctionCode {
  const fn = new FunctionBuilder([I32]);
  const at = (kind: 'carried' | 'next' | 'output' | 'aside', i: number, row: Bytes, width: Bytes): Bytes =>
    i32.add(i32.load(fn.parameter(0), frame.word(kind, i) * 4), i32.mul(row, width));
  eachRow(fn, (row) => {
    const over = fn.block(() => {
      outputs.forEach((_, i) => {
        const bytes = fn.let(i32.load(fn.parameter(0), frame.word('outputRow', i) * 4), I32);
        fn.emit(control.fill(at('output', i, row, bytes), i32.const(0), bytes));
      });
      carried.forEach((width, i) => {
        const bytes = i32.const(width * 4);
        fn.emit(control.copy(at('next', i, row, bytes), at('carried', i, row, bytes), bytes));
      });
    });
    const going = fn.let(isGoing(fn, row), I32);
    fn.emit(control.unless(going, over));
    if (!adjoint) return;
    const aside = fn.block(() =>
      carried.forEach((width, i) => {
        const bytes = i32.const(width * 4);
        const from = fn.let(at('next', i, row, bytes), I32);
        const to = fn.let(at('aside', i, row, bytes), I32);
        addInto(fn, to, from, bytes);
        fn.emit(control.fill(from, i32.const(0), bytes));
      }),
    );
    fn.emit(control.if(i32.and(going, isReset(fn, row)), aside));
  });
  return fn.finish();
}

/** `to += from`, element by element. */
function addInto(fn: FunctionBuilder, to: Bytes, from: Bytes, bytes: Bytes): void {
  fn.count(bytes, 4, (i) => {
    const place = fn.let(i32.add(to, i), I32);
    const sum = f32x4.add(v128.load32(place), v128.load32(i32.add(from, i)));
    fn.emit(v128.storeLane32(place, sum, 0));
  });
}

/** The loop over time. It only calls: engines optimise a function between its calls, not inside one. */
function runCode(program: Program, frame: Frame, { step, settle, start }: { readonly step: number; readonly settle: number; readonly start: number }): FunctionCode {
  const { stacked, carried, outputs, reverse, adjoint } = program;
  const fn = new FunctionBuilder([I32]);
  const self = fn.parameter(0);
  const load = (word: number): Bytes => i32.load(self, word * 4);
  const store = (word: number, value: Bytes): Bytes => i32.store(self, value, word * 4);
  const steps = fn.let(load(STEPS), I32);
  const hasRows = fn.let([...load(LENGTHS), ...load(RESETS), 0x72], I32); // either is there
  const direction = reverse ? -1 : 1;
  fn.emit(store(TIME, reverse ? i32.sub(steps, i32.const(1)) : i32.const(0)));
  fn.count(steps, 1, (n) => {
    if (!adjoint) fn.emit(control.if(i32.and(i32.ne(n, i32.const(0)), i32.ne(load(RESETS), i32.const(0))), control.call(start, self)));
    // The last state goes where the caller wants it.
    const isLast = i32.eq(n, i32.sub(steps, i32.const(1)));
    carried.forEach((_, i) => {
      const [first, second] = [load(frame.word('spare', 2 * i)), load(frame.word('spare', 2 * i + 1))];
      const spare = i32.if(i32.eq(load(frame.word('carried', i)), first), second, first);
      fn.emit(store(frame.word('next', i), i32.if(isLast, load(frame.word('last', i)), spare)));
    });
    fn.emit(control.call(step, self));
    fn.emit(control.if(hasRows, control.call(settle, self)));
    const advance = (word: number, by: Bytes): void => fn.emit(store(word, i32.add(load(word), i32.mul(by, i32.const(direction)))));
    carried.forEach((_, i) => fn.emit(store(frame.word('carried', i), load(frame.word('next', i)))));
    stacked.forEach((_, i) => advance(frame.word('stacked', i), load(frame.word('stackedStep', i))));
    outputs.forEach((_, i) => advance(frame.word('output', i), load(frame.word('outputStep', i))));
    fn.emit(control.if(load(RESETS), store(RESETS, i32.add(load(RESETS), i32.mul(load(RESETS_STEP), i32.const(direction))))));
    fn.emit(store(TIME, i32.add(load(TIME), i32.const(direction))));
  });
  if (adjoint) {
    const finish = fn.block(() =>
      carried.forEach((width, i) => {
        const bytes = fn.let(i32.mul(load(ROWS), i32.const(width * 4)), I32);
        addInto(fn, load(frame.word('last', i)), load(frame.word('aside', i)), bytes);
      }),
    );
    fn.emit(control.if(load(RESETS), finish));
  }
  return fn.finish('run');
}
