import { Session } from 'node:inspector/promises';
import { fromData, getBackend, noGrad, randn, scope } from '@rnn/core';
import { exportModule } from '@rnn/io';
import { LSTM, LSTMCell } from '@rnn/nn';
import { stream } from '@rnn/train';
import { measure } from '../measure.ts';
import type { Row, Section } from './section.ts';

const [FEATURES, UNITS, SESSIONS] = [32, 64, 1000];

/**
 * Samples one by one: by the cell in a loop, which is A2 of the workloads, by `stream`, and by the
 * module that `exportModule` writes.
 */
export function streaming(time: number): Section {
  const sample = new Float32Array(FEATURES).fill(0.5);
  let least = 0;
  const row = (name: string, make: () => (() => unknown) | Promise<() => unknown>, samples = 1): Row => ({
    name,
    cells: async () => {
      const call = await make();
      const { minimum } = await measure(call, { time, warmup: 500 });
      const each = (1000 * minimum) / samples;
      least ||= each;
      return [each.toFixed(2), (each / least).toFixed(2), ((await garbageOf(call)) / samples).toFixed(0)];
    },
  });
  return {
    title: `A sample of ${FEATURES} features through an LSTM of ${UNITS} units`,
    header: ['', 'us', 'of the cell', 'bytes of JavaScript'],
    rows: [
      row('the cell, in a loop', cellLoop(sample)),
      row('stream, pushSync', () => {
        const sessions = stream(new LSTM(FEATURES, UNITS));
        return () => sessions.pushSync(sample);
      }),
      row('stream, push', () => {
        const sessions = stream(new LSTM(FEATURES, UNITS));
        return () => sessions.push(sample);
      }),
      row('exported by exportModule', () => exportedStep(sample)),
      row(
        `stream, ${SESSIONS} sessions`,
        () => {
          const sessions = stream(new LSTM(FEATURES, UNITS));
          const ids = Array.from({ length: SESSIONS }, (_, id) => id);
          const samples = { shape: [SESSIONS, FEATURES], data: new Float32Array(SESSIONS * FEATURES).fill(0.5) };
          return () => sessions.stepSync(ids, samples);
        },
        SESSIONS,
      ),
    ],
  };
}

interface ExportedLSTM {
  readonly initialState: () => unknown;
  readonly step: (sample: Float32Array, state: unknown) => Float32Array;
}

async function exportedStep(sample: Float32Array): Promise<() => unknown> {
  const { code } = exportModule(new LSTM(FEATURES, UNITS), [randn([1, 1, FEATURES])]);
  const url = `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`;
  const { step, initialState } = (await import(url)) as ExportedLSTM;
  const state = initialState();
  return () => step(sample, state);
}

const cellLoop = (sample: Float32Array) => (): (() => unknown) => {
  const backend = getBackend();
  const cell = new LSTMCell(FEATURES, UNITS);
  let state = cell.initialState(1);
  return () => {
    const h = noGrad(() =>
      scope(() => {
        const before = state;
        state = cell.forward(fromData(sample, [1, FEATURES], { backend }), state);
        for (const part of state) part.keep();
        for (const part of before) part.dispose();
        return state[0];
      }),
    );
    return h.dataSync();
  };
};

/** Bytes of JavaScript objects that a call makes, however soon they are garbage. */
async function garbageOf(call: () => unknown): Promise<number> {
  const calls = 2000;
  const session = new Session();
  session.connect();
  try {
    await session.post('HeapProfiler.startSampling', {
      samplingInterval: 512,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    for (let n = 0; n < calls; n++) await call();
    const { profile } = await session.post('HeapProfiler.stopSampling');
    type Node = typeof profile.head;
    const sizeOf = ({ selfSize, children }: Node): number =>
      children.reduce((sum, child) => sum + sizeOf(child), selfSize);
    return sizeOf(profile.head) / calls;
  } finally {
    session.disconnect();
  }
}
