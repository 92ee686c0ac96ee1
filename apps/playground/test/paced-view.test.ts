import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PacedView } from '../web/src/experiment/paced-view.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] }));
afterEach(() => vi.useRealTimers());

/** A view that takes so many milliseconds each time, and is the count of them. */
function viewOf(times: readonly number[]): PacedView<number> {
  let count = 0;
  return new PacedView(async () => {
    vi.advanceTimersByTime(times[count++]);
    return count;
  });
}

test('after a slow first one the second comes at once: only then is its length known', async () => {
  const view = viewOf([900, 10, 10]);
  expect(await view.get(false)).toBe(1);
  view.outdate();
  expect(await view.get(false)).toBe(2);
});

test('three times as long as a view took is left to training, unless it is at rest', async () => {
  const view = viewOf([10, 100, 100, 100]);
  await view.get(false);
  view.outdate();
  expect(await view.get(false)).toBe(2);
  view.outdate();
  vi.advanceTimersByTime(299);
  expect(await view.get(false)).toBe(2);
  vi.advanceTimersByTime(1);
  expect(await view.get(false)).toBe(3);
  view.outdate();
  expect(await view.get(true)).toBe(4);
  // Nothing has changed since.
  expect(await view.get(true)).toBe(4);
});
