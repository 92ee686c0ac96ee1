import { PassThrough } from 'node:stream';
import { cpu } from '@rnn/backend-cpu';
import { setBackend, tensor, type Tensor } from '@rnn/core';
import { Linear, mseLoss } from '@rnn/nn';
import { beforeAll, describe, expect, test } from 'vitest';
import { fit, progressElement, SGD, type FitOptions } from '../../src/index.js';
import { progressBar } from '../../src/node.js';

beforeAll(async () => setBackend(await cpu()));

type Pair = [Tensor, Tensor];
const data: () => Pair[] = () => [1, 2, 3].map((x) => [tensor([[x]]), tensor([[x]])]);
const options = (model: Linear): FitOptions<Linear, Pair> => ({
  loss: (net, [x, y]) => mseLoss(net.forward(x), y),
  optimizer: new SGD(model.parameters(), { lr: 0.01 }),
  epochs: 2,
});

/** A terminal that keeps what is written, or a pipe. */
function stream(isTTY: boolean): { stream: PassThrough & { isTTY?: boolean }; text: () => string } {
  const to: PassThrough & { isTTY?: boolean } = new PassThrough();
  if (isTTY) Object.assign(to, { isTTY, columns: 100, rows: 30 });
  let text = '';
  to.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { stream: to, text: () => text };
}

describe('progressBar', () => {
  test('writes a line for each pass into a pipe, and one at the end', async () => {
    const model = new Linear(1, 1);
    const { stream: to, text } = stream(false);
    const { epochs } = await fit(model, data(), {
      ...options(model),
      validation: { data: data() },
      callbacks: [progressBar({ stream: to, name: 'line' })],
    });
    const lines = text().trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    lines.slice(0, 2).forEach((line, i) => {
      const found = /^line epoch (\d): loss ([\d.e-]+), validation loss ([\d.e-]+)$/.exec(line);
      expect(Number(found?.[1])).toBe(i + 1);
      expect(Number(found?.[2]) / epochs[i].loss).toBeCloseTo(1, 3);
      expect(Number(found?.[3]) / (epochs[i].validation?.loss ?? NaN)).toBeCloseTo(1, 3);
    });
    expect(lines[2]).toMatch(/^line finished: 6 steps, loss [\d.e-]+, \d+\.\d s$/);
  });

  test('draws a bar in a terminal, and clears it', async () => {
    const model = new Linear(1, 1);
    const { stream: to, text } = stream(true);
    await fit(model, data(), {
      ...options(model),
      onStep: () => new Promise((resolve) => setTimeout(resolve, 120)), // a bar is drawn ten times a second
      callbacks: [progressBar({ stream: to })],
    });
    expect(text()).toMatch(/[░█]{30} [1-5]\/6 steps {2}loss [\d.e-]+/);
    expect(text().endsWith('s\n')).toBe(true);
    expect(text()).toMatch(/finished: 6 steps/);
  });

  test('ends with a training that breaks, and counts passes where nobody knows their length', async () => {
    const model = new Linear(1, 1);
    const { stream: to, text } = stream(true);
    const endless = { [Symbol.iterator]: () => data()[Symbol.iterator]() };
    await expect(
      fit(model, endless, {
        ...options(model),
        onEpoch: () => {
          throw new Error('no more');
        },
        callbacks: [progressBar({ stream: to })],
      }),
    ).rejects.toThrow('no more');
    expect(text()).toMatch(/0\/2 epochs/);
    expect(text()).toMatch(/failed: 0 epochs, loss/);
  });

  test('refuses what makes no sense', () => {
    expect(() => progressBar({ stream: 3 as never })).toThrow('progressBar: stream is 3, expected a stream');
    expect(() => progressBar({ nme: 'x' } as never)).toThrow("progressBar: option 'nme' is unknown");
  });
});

describe('progressElement', () => {
  test('fills an element of a page, and says how far it is', async () => {
    const model = new Linear(1, 1);
    const [bar, text] = [{ value: 0, max: 1 }, { textContent: '' }];
    const seen: [number, string][] = [];
    const history = await fit(model, data(), {
      ...options(model),
      callbacks: [progressElement(bar, text), () => seen.push([bar.value / bar.max, text.textContent])],
    });
    expect(seen[0]).toEqual([0, '0 of 6 steps']);
    expect(seen[1][0]).toBeCloseTo(1 / 6, 12);
    expect(seen[1][1]).toBe(`1 of 6 steps, loss ${Number(history.steps[0].loss.toPrecision(4))}`);
    expect(seen.at(-1)?.[0]).toBe(1);
    expect(() => progressElement(undefined as never)).toThrow('progressElement: element is undefined');
  });

  test('is full when a training stops early', async () => {
    const model = new Linear(1, 1);
    const bar = { value: 0, max: 1 };
    const controller = new AbortController();
    await fit(model, data(), {
      ...options(model),
      signal: controller.signal,
      onStep: () => controller.abort(),
      callbacks: [progressElement(bar)],
    });
    expect([bar.value, bar.max]).toEqual([1, 1]);
  });
});
