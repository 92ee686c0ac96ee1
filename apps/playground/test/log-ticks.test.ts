import { expect, test } from 'vitest';
import { logTicks } from '../web/src/views/line-plot.tsx';

test.each([
  [0.09, 120, [100, 10, 1, 0.1]],
  [1e-16, 1, [1, 1e-4, 1e-8, 1e-12, 1e-16]],
  [0.09, 0.25, [0.1, 0.2]],
  [0.6, 3, [1, 2]],
  [0.21, 0.45, [0.3, 0.4]],
])('a logarithmic axis from %d to %d is marked at %j', (least, most, ticks) => {
  const found = logTicks(least, most);
  expect(found).toHaveLength(ticks.length);
  for (const [i, tick] of ticks.entries()) expect(found[i] / tick).toBeCloseTo(1, 9);
});
