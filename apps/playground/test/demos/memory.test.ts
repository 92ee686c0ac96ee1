import { wasm } from '@rnn/backend-wasm';
import { manualSeed, scope, setBackend } from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  MemoryExperiment,
  type MemorySettings,
  type NetName,
  type NetView,
} from '../../web/src/demos/memory/experiment.ts';

const standard: MemorySettings = { length: 50, gain: 1, forgetBias: 4, clip: 1 };

beforeAll(async () => setBackend(await wasm({ threads: 1 })));

async function after(steps: number, settings: MemorySettings): Promise<Record<NetName, NetView>> {
  manualSeed(1);
  const experiment = new MemoryExperiment({ seed: 1, settings });
  for (let i = 0; i < steps; i++) scope(() => experiment.step()).dispose();
  const { nets } = await experiment.view();
  return Object.fromEntries(nets.map((net) => [net.name, net])) as Record<NetName, NetView>;
}

describe('Recalling a symbol after 50 steps', () => {
  it('is learnt by the LSTM and the GRU, not by the plain RNN', { timeout: 120_000 }, async () => {
    const { RNN, LSTM, GRU } = await after(160, standard);
    expect(LSTM.accuracy).toBe(1);
    expect(GRU.accuracy).toBeGreaterThan(0.95);
    expect(RNN.accuracy).toBeLessThan(0.5);
    expect(RNN.verdict).toBe('vanishing');
  });

  it('shows how the gradient fades, and what bias, gain and length do to that', async () => {
    const ratio = ({ norms }: NetView): number => norms[0] / (norms.at(-1) ?? 0);
    const nets = await after(0, standard);
    expect(ratio(nets.RNN)).toBeLessThan(1e-8);
    expect(ratio(nets.LSTM)).toBeGreaterThan(0.01);
    expect(nets.LSTM.verdict).toBe('healthy');
    expect((await after(0, { ...standard, forgetBias: 0 })).LSTM.verdict).toBe('vanishing');
    expect(ratio((await after(0, { ...standard, gain: 2 })).RNN)).toBeGreaterThan(ratio(nets.RNN) * 1e3);
    expect(ratio((await after(0, { ...standard, length: 10 })).RNN)).toBeGreaterThan(ratio(nets.RNN) * 1e3);
  });
});
