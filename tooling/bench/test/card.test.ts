import { expect, test } from 'vitest';
import { cardText, layerSizes, productSizes, type CardMode } from '../src/card/card-report.ts';

const mode: CardMode = {
  name: 'webgpu',
  device: 'a card (webgpu)',
  suite: { passed: 7, failed: 0, skipped: 1, text: 'not shown' },
  launch: 0.025,
  read: 0.2,
  up: 5,
  down: 9,
  products: productSizes.map((size) => (2 * size ** 3) / 1e9),
  layers: [{ forward: 1.5, train: 1234 }],
};

function report(changes: Partial<CardMode> = {}): string {
  const modes = [{ ...mode, ...changes }];
  return cardText({ browser: 'a browser', cores: 4, modes, missing: ['gpu: no webgl2'], processor: [] });
}

test('the report of a card has times in microseconds and milliseconds, and products in GFLOP/s', () => {
  const text = report();
  expect(text).toContain('a launch 25 us; one number read 0.2 ms; 4 MB up 5 ms, down 9 ms');
  // 10^9 operations in each millisecond
  for (const size of productSizes) expect(text).toMatch(new RegExp(`^${size} +1000$`, 'm'));
  expect(text).toMatch(/^B=1 I=64 H=64 T=100 +1\.5 \/ 1234$/m);
  expect(text.match(/- \/ -$/gm)).toHaveLength(layerSizes.length - 1);
  expect(text).toContain('gpu: no webgl2');
  expect(text).not.toMatch(/not shown|program on the processor/);
});

test('failed cases are shown, and a card in software is called so', () => {
  expect(report({ suite: { ...mode.suite, failed: 1, text: 'the case that failed' } })).toContain(
    'the case that failed',
  );
  expect(report({ device: 'SwiftShader (webgpu)' })).toContain('say nothing about a card');
});
