import { getBackend, tensor, type MemoryUse, type Tensor } from '@rnn/core';
import { Embedding, GRU, Linear, Module, mseLoss } from '@rnn/nn';
import { beamSearch, evaluate, fit, forecast, generate, SGD, stream } from '@rnn/train';
import type { Section } from './section.ts';

/** A model that scores the next of five tokens. */
class Tokens extends Module {
  embedding = new Embedding(5, 2);
  gru = new GRU(2, 4);
  head = new Linear(4, 5);
  forward(x: Tensor, state?: Tensor): [scores: Tensor, state: Tensor] {
    const [output, last] = this.gru.forward(this.embedding.forward(x), state);
    return [this.head.forward(output), last];
  }
}

/** A model that forecasts the next number. */
class Series extends Module {
  gru = new GRU(1, 4);
  head = new Linear(4, 1);
  forward(x: Tensor, state?: Tensor): [output: Tensor, state: Tensor] {
    const [output, last] = this.gru.forward(x, state);
    return [this.head.forward(output), last];
  }
}

/** A loop of so many steps, which calls `tick` once in each. */
type Loop = (steps: number, tick: () => void) => Promise<void>;

const pair = (): [Tensor, Tensor] => [tensor([[1], [2]]), tensor([[3], [5]])];
const loss = (net: Linear, [x, y]: [Tensor, Tensor]): Tensor => mseLoss(net.forward(x), y);

/** Calls `tick` in each step that a model makes for a loop. */
function ticking<M extends Tokens | Series>(model: M, tick: () => void): M {
  const forward = model.forward.bind(model);
  model.forward = (x, state) => {
    tick();
    return forward(x, state);
  };
  return model;
}

export const loops: Readonly<Record<string, Loop>> = {
  fit: async (steps, onStep) => {
    const model = new Linear(1, 1);
    const optimizer = new SGD(model.parameters(), { lr: 0.01 });
    const batch = pair();
    const data = Array.from({ length: 100 }, () => batch);
    await fit(model, data, { loss, optimizer, steps, onStep, logEvery: 1 });
  },
  evaluate: async (steps, tick) => {
    const batch = pair();
    const counted = (net: Linear, given: [Tensor, Tensor]): Tensor => {
      tick();
      return loss(net, given);
    };
    await evaluate(
      new Linear(1, 1),
      Array.from({ length: steps }, () => batch),
      { loss: counted },
    );
  },
  forecast: async (steps, tick) => {
    await forecast(ticking(new Series(), tick), [1, 2, 3], steps);
  },
  generate: async (steps, tick) => {
    for await (const token of generate(new Tokens(), [1], { maxTokens: steps, seed: 1 })) if (token >= 0) tick();
  },
  beamSearch: async (steps, tick) => {
    await beamSearch(ticking(new Tokens(), tick), [1], { maxTokens: Math.ceil(steps / 2) + 1, beams: 2 });
  },
  'stream, one session': async (steps, tick) => {
    using session = stream(new GRU(3, 8));
    const sample = Float32Array.of(1, 2, 3);
    for (let n = 0; n < steps; n++) {
      await session.push(sample);
      tick();
    }
  },
  'stream, sessions that come and go': async (steps, tick) => {
    using sessions = stream(new GRU(3, 8));
    const samples = { shape: [3, 3], data: new Float32Array(9) };
    for (let n = 0; n < steps; n++) {
      await sessions.step([n % 2, 2 + (n % 3), 5], samples);
      if (n % 7 === 0) sessions.drop(5);
      tick();
    }
  },
};

export interface Growth {
  /** Steps that were made. */
  readonly steps: number;
  /** The most storages and bytes after the first hundred steps, less the most within them. */
  readonly more: MemoryUse;
}

/** What lives in the backend during a loop. */
export async function growthOf(loop: Loop, steps: number): Promise<Growth> {
  const backend = getBackend();
  const none = { storages: 0, bytes: 0 };
  const larger = (a: MemoryUse, b: MemoryUse): MemoryUse => ({
    storages: Math.max(a.storages, b.storages),
    bytes: Math.max(a.bytes, b.bytes),
  });
  let [count, early, late] = [0, none, none];
  await loop(steps, () => {
    if (count++ < 100) early = larger(early, backend.memory());
    else late = larger(late, backend.memory());
  });
  const more = { storages: late.storages - early.storages, bytes: late.bytes - early.bytes };
  return { steps: count, more };
}

/** Whether loops keep what they need no longer. */
export function flatLoops(steps: number): Section {
  return {
    title: 'What lives at most after the first 100 steps of a loop, beyond those',
    header: ['', 'steps', 'storages', 'bytes'],
    rows: Object.entries(loops).map(([name, loop]) => ({
      name,
      cells: async () => {
        const { steps: made, more } = await growthOf(loop, steps);
        return [made, more.storages, more.bytes].map(String);
      },
    })),
  };
}
