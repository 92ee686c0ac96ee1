import { cpu } from '@rnn/backend-cpu';
import { getBackend, manualSeed, setBackend, type Backend } from '@rnn/core';
import { beforeEach, describe, expect, test } from 'vitest';
import { differentLengths } from '../src/around/different-lengths.ts';
import { eventLoop } from '../src/around/event-loop.ts';
import { firstSteps } from '../src/around/first-steps.ts';
import { flatLoops, growthOf, loops } from '../src/around/flat-loops.ts';
import { parallelInTime } from '../src/around/parallel-in-time.ts';
import { chosen } from '../src/around/run-around.ts';
import { Columns, type Section } from '../src/around/section.ts';
import { streaming } from '../src/around/streaming.ts';

beforeEach(async () => {
  setBackend(await cpu());
  manualSeed(0);
});

describe('what lives after 100 steps is what lives after any number', () => {
  test.each(Object.entries(loops))('%s', async (_, loop) => {
    const { steps, more } = await growthOf(loop, 400);
    expect(steps).toBeGreaterThanOrEqual(400);
    expect(more.storages).toBeLessThanOrEqual(0);
    expect(more.bytes).toBeLessThanOrEqual(0);
  });

  test('a loop that keeps a tensor is found', async () => {
    const kept: unknown[] = [];
    const backend = getBackend();
    const leaking = async (steps: number, tick: () => void): Promise<void> => {
      for (let n = 0; n < steps; n++) {
        kept.push(backend.fill(0, 2, 'float32'));
        tick();
      }
      return Promise.resolve();
    };
    expect((await growthOf(leaking, 150)).more).toEqual({ storages: 50, bytes: 400 });
  });
});

/** Every section, without a measurement. */
async function sections(backend: Backend): Promise<Section[]> {
  return [
    firstSteps(process.execPath, 1000),
    differentLengths('python'),
    await parallelInTime(backend),
    streaming(1),
    eventLoop(),
    flatLoops(10),
  ];
}

test('rows are 80 columns wide at most, with a cell for each of the header', async () => {
  for (const section of await sections(getBackend())) {
    const columns = new Columns(section);
    const cells = columns.cells(section.header.slice(1));
    for (const name of [section.header[0], ...section.rows.map(({ name }) => name)]) {
      const lines = `${columns.name(name)}${cells}`.split('\n');
      expect(Math.max(section.title.length, ...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
    }
  }
});

test('a filter leaves rows by their name, and a section by its title', async () => {
  const [first, lengths, , streams] = await sections(getBackend());
  expect(chosen(first, '@RNN').rows.map(({ name }) => name)).toEqual(
    ['1 layer', '2 layers', '6 layers'].map((name) => `@rnn, ${name}`),
  );
  expect(chosen(lengths, 'padding').rows).toHaveLength(6);
  expect(chosen(streams, 'nothing').rows).toEqual([]);
  expect(chosen(streams, undefined)).toBe(streams);
});
