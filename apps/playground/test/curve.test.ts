import { expect, test } from 'vitest';
import { curveWith, emptyCurve, type Curve, type CurvePoint } from '../web/src/experiment/curve.ts';
import { curveLines } from '../web/src/views/line-plot.tsx';

const losses = Array.from({ length: 5000 }, (_, i): CurvePoint => ({
  step: i + 1,
  loss: 1 / (i + 1),
  backend: i < 1234 ? 'cpu' : 'wasm',
}));

function curveIn(pieces: number): Curve {
  let curve = emptyCurve;
  for (let i = 0; i < losses.length; i += pieces) curve = curveWith(curve, losses.slice(i, i + pieces));
  return curve;
}

test('the same losses give the same curve, however they arrive', () => {
  expect(curveIn(1)).toEqual(curveIn(977));
  expect(curveIn(64)).toEqual(curveIn(5000));
});

test('a long run has few points, in order, and none of two backends', () => {
  const { points, rest } = curveIn(100);
  expect(points.length).toBeLessThan(1000);
  expect([...points].sort((a, b) => a.step - b.step)).toEqual(points);
  const before = points.filter(({ backend }) => backend === 'cpu');
  expect(before[before.length - 1].step).toBe(1234);
  expect((rest[rest.length - 1] ?? points[points.length - 1]).step).toBe(5000);
});

test('each backend has a line, and the second begins where the first ends', () => {
  const { xs, lines } = curveLines(curveIn(100));
  expect(lines.map(({ name }) => name)).toEqual(['cpu', 'wasm']);
  const [cpu, wasm] = lines;
  const end = xs.indexOf(1234);
  expect(cpu.values[end]).not.toBeNull();
  expect(wasm.values[end]).toBe(cpu.values[end]);
  expect(wasm.values[end - 1]).toBeNull();
});
