import type { Ceiling } from './ceiling.ts';
import type { Results } from './results.ts';
import { flopsOf, type Kind, type Task } from './workload.ts';

/** One measured value of a goal and what it belongs to. */
export interface Part {
  readonly label: string;
  readonly value: number | undefined;
}

export interface Goal {
  readonly title: string;
  readonly limit: number;
  readonly unit: 'us' | 'x' | '%' | 'launches';
  /** `at most` or `at least` the limit. */
  readonly direction: 'at most' | 'at least';
  readonly parts: readonly Part[];
}

/** A goal and how it went, judged by its worst part. */
export interface Verdict {
  readonly title: string;
  readonly goal: string;
  /** The worst value with what it belongs to. */
  readonly measured: string | undefined;
  readonly isMet: boolean | undefined;
  /** How far the worst value is on the wrong side of the limit: a factor above 1. */
  readonly missedBy: number | undefined;
}

const cells = ['rnn', 'lstm', 'gru'] as const;
const gated = ['lstm', 'gru'] as const;

/** Judges the goals that this project has set itself. */
export function judge(results: Results, ceiling: Ceiling): Verdict[] {
  return goalsOf(results, ceiling).map(verdictOf);
}

function goalsOf(results: Results, { gflops }: Ceiling): Goal[] {
  const time = (id: string, kind: Kind, library: string): number | undefined => results.time(id, kind, library);
  const quotient = (a: number | undefined, b: number | undefined): number | undefined =>
    a === undefined || b === undefined ? undefined : a / b;
  /** Our time, in microseconds. */
  const own = (label: string, kind: Kind): Part => {
    const ms = time(label, kind, 'wasm');
    return { label, value: ms === undefined ? undefined : ms * 1000 };
  };
  /** Our time in times of another's. */
  const against = (id: string, kind: Kind, other: string, ours = 'wasm'): Part => ({
    label: other === 'onnxruntime-web' ? id : ours === 'wasm' ? `${id}, ${other}` : `${id} ${kind}`,
    value: quotient(time(id, kind, ours), time(id, kind, other)),
  });
  /** How many times faster we are. */
  const faster = (id: string, kind: Kind, slow: string, ours = 'wasm'): Part => ({
    label: `${id} ${kind}`,
    value: quotient(time(id, kind, slow), time(id, kind, ours)),
  });
  const ofCeiling = (id: string, kind: Kind): Part => {
    const row = results.rows.find(({ task }) => task.workload.id === id && task.kind === kind);
    const ms = time(id, kind, 'wasm');
    const value = row === undefined || ms === undefined ? undefined : (100 * rateOf(row.task, ms)) / gflops;
    return { label: `${id} ${kind}`, value };
  };
  const variant = (id: string): Part[] =>
    (['forward', 'train'] as const).map((kind) => ({
      label: kind,
      value: quotient(time(id, kind, 'wasm'), time('C-lstm', kind, 'wasm')),
    }));
  /** Our time for as many floating point operations, in times of the built-in LSTM's. */
  const perOperation = (id: string): Part[] =>
    (['forward', 'train'] as const).map((kind) => {
      const taskOf = (name: string): Task | undefined =>
        results.rows.find(({ task }) => task.workload.id === name && task.kind === kind)?.task;
      const [own, plain] = [taskOf(id), taskOf('C-lstm')];
      const times = quotient(time(id, kind, 'wasm'), time('C-lstm', kind, 'wasm'));
      const isThere = own !== undefined && plain !== undefined && times !== undefined;
      return { label: kind, value: isThere ? (times * flopsOf(plain)) / flopsOf(own) : undefined };
    });
  const memory = results.rows.map(({ task: { workload, kind } }): Part => {
    const [ours, theirs] = ['wasm', 'pytorch'].map((library) => results.way(workload.id, kind, library)?.keptBytes);
    return { label: workload.id, value: quotient(ours, theirs) };
  });
  const peers = ['pytorch', 'onnxruntime-web', 'tfjs-wasm', 'tfjs-cpu', 'jax-js'];
  /** What every library that is measured does: all workloads that PyTorch has too, in all kinds. */
  const tasks = results.rows.map(({ task }) => [task.workload.id, task.kind] as const);
  const forwards = (group: RegExp): Part[] =>
    tasks
      .filter(([id, kind]) => kind === 'forward' && group.test(id))
      .map(([id, kind]) => against(id, kind, 'onnxruntime-node', 'native'));
  const small = tasks.filter(([id, kind]) => /^A[12]-(rnn|lstm|gru)$/.test(id) && kind !== 'product');
  const large = cells
    .flatMap((cell) => [`D-${cell} forward`, `D-${cell} train`])
    .map((name) => name.split(' ') as [string, Kind]);
  const atMost = { unit: 'x', direction: 'at most' } as const;
  const atLeast = { unit: 'x', direction: 'at least' } as const;
  return [
    {
      title: 'A1 forward',
      limit: 2,
      unit: 'us',
      direction: 'at most',
      parts: cells.map((cell) => own(`A1-${cell}`, 'forward')),
    },
    {
      title: 'A1 forward / onnxruntime-web',
      limit: 1,
      ...atMost,
      parts: cells.map((cell) => against(`A1-${cell}`, 'forward', 'onnxruntime-web')),
    },
    {
      title: 'A1 / brain.js',
      limit: 1,
      ...atMost,
      parts: cells.flatMap((cell) =>
        (['forward', 'train'] as const).map((kind) => against(`A1-${cell}`, kind, 'brain.js')),
      ),
    },
    { title: 'A2 LSTM step', limit: 3.5, unit: 'us', direction: 'at most', parts: [own('A2-lstm', 'step')] },
    {
      title: 'A2 LSTM by stream / by hand',
      limit: 1.3,
      ...atMost,
      parts: [
        {
          label: 'A2-lstm-stream',
          value: quotient(time('A2-lstm-stream', 'step', 'wasm'), time('A2-lstm', 'step', 'wasm')),
        },
      ],
    },
    {
      title: 'A2 step / every other library',
      limit: 1,
      ...atMost,
      parts: cells.flatMap((cell) => peers.map((peer) => against(`A2-${cell}`, 'step', peer))),
    },
    {
      title: 'B forward / onnxruntime-web',
      limit: 1,
      ...atMost,
      parts: cells.map((cell) => against(`B-${cell}`, 'forward', 'onnxruntime-web')),
    },
    {
      title: 'C forward / onnxruntime-web',
      limit: 0.6,
      ...atMost,
      parts: cells.map((cell) => against(`C-${cell}`, 'forward', 'onnxruntime-web')),
    },
    {
      title: 'C train, faster than tfjs wasm',
      limit: 8,
      ...atLeast,
      parts: gated.map((cell) => faster(`C-${cell}`, 'train', 'tfjs-wasm')),
    },
    {
      title: 'C train, faster than jax-js',
      limit: 10,
      ...atLeast,
      parts: gated.map((cell) => faster(`C-${cell}`, 'train', 'jax-js')),
    },
    {
      title: 'C train / PyTorch, 2 threads each',
      limit: 1,
      ...atMost,
      parts: gated.map((cell) => against(`C-${cell}`, 'train', 'pytorch-2', 'wasm-2')),
    },
    {
      title: 'D large product, of the ceiling',
      limit: 80,
      unit: '%',
      direction: 'at least',
      parts: [ofCeiling('D-lstm', 'product')],
    },
    {
      title: 'D over all, of the ceiling',
      limit: 70,
      unit: '%',
      direction: 'at least',
      parts: large.map(([id, kind]) => ofCeiling(id, kind)),
    },
    {
      title: 'D, 2 threads faster than 1',
      limit: 1.8,
      ...atLeast,
      parts: large.map(([id, kind]) => faster(id, kind, 'wasm', 'wasm-2')),
    },
    {
      title: 'F train / PyTorch',
      limit: 1.3,
      ...atMost,
      parts: [against('F-charlm', 'train', 'pytorch'), against('F-charlm', 'train', 'pytorch-2', 'wasm-2')],
    },
    {
      title: 'native / PyTorch, 1 thread',
      limit: 1,
      ...atMost,
      parts: tasks.map(([id, kind]) => against(id, kind, 'pytorch', 'native')),
    },
    {
      title: 'native / PyTorch, 2 threads',
      limit: 1,
      ...atMost,
      parts: tasks.map(([id, kind]) => against(id, kind, 'pytorch-2', 'native-2')),
    },
    {
      title: 'native forward / onnxruntime-node',
      limit: 1,
      ...atMost,
      parts: forwards(/^[^AB]/),
    },
    {
      title: 'native forward of A and B / onnxruntime-node',
      limit: 0.5,
      ...atMost,
      parts: forwards(/^[AB]/),
    },
    {
      title: 'native / wasm, A1 and A2',
      limit: 1,
      ...atMost,
      parts: small.map(([id, kind]) => against(id, kind, 'wasm', 'native')),
    },
    {
      title: 'native, C and D, 2 threads faster than 1',
      limit: 1.8,
      ...atLeast,
      parts: cells.flatMap((cell) =>
        ['C', 'D'].flatMap((group) =>
          (['forward', 'train'] as const).map((kind) => faster(`${group}-${cell}`, kind, 'native', 'native-2')),
        ),
      ),
    },
    { title: 'user-written LSTM / built-in', limit: 1.1, ...atMost, parts: variant('C-user-written') },
    { title: 'LSTM of 4 heads / plain, for each operation', limit: 1, ...atMost, parts: perOperation('C-heads') },
    { title: 'layer-normalised LSTM / plain', limit: 1.5, ...atMost, parts: variant('C-layer-normalised') },
    { title: 'memory of a training step / PyTorch', limit: 1.5, ...atMost, parts: memory },
  ];
}

/** Judges one goal. */
export function verdictOf({ title, limit, unit, direction, parts }: Goal): Verdict {
  const show = (value: number): string =>
    unit === '%' ? `${value.toFixed(0)} %` : `${Number(value.toPrecision(3))} ${unit}`;
  const goal = `${direction} ${show(limit)}`;
  const excess = (value: number): number => (direction === 'at most' ? value / limit : limit / value);
  const [worst] = parts
    .flatMap(({ label, value }) => (value === undefined ? [] : [{ label, value }]))
    .sort((a, b) => excess(b.value) - excess(a.value));
  if (worst === undefined) return { title, goal, measured: undefined, isMet: undefined, missedBy: undefined };
  const isMet = excess(worst.value) <= 1;
  const measured = `${show(worst.value)} (${worst.label})`;
  return { title, goal, measured, isMet, missedBy: isMet ? undefined : excess(worst.value) };
}

/** 10^9 floating point operations a second. */
export function rateOf(task: Task, milliseconds: number): number {
  return flopsOf(task) / milliseconds / 1e6;
}
