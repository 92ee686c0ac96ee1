import { expect, test } from 'vitest';
import { runFiles } from '../src/chapters/files.ts';
import { withFileTools } from '../src/data/file-tools.ts';
import { quietContext } from './context.ts';

// Training takes as long as the machine needs; nothing is asserted about it.
test('ONNX Runtime, PyTorch and this library agree on what was trained', async () => {
  const context = await quietContext({ duration: { steps: 10 } });
  const before = context.backend.memory().storages;
  const { used, entries, check } = await withFileTools((tools) => runFiles(context, tools));
  expect(used.map(({ file, by, against }) => [file, by, against].join(', '))).toEqual([
    'lstm.safetensors, this library, the model',
    'lstm.f16.safetensors, this library, the model',
    'lstm.onnx, ONNX Runtime, the model',
    'lstm.onnx, this library, the model',
    'pytorch-lstm.pt, this library, PyTorch',
  ]);
  const [saved, rounded, runtime, imported, pytorch] = used.map(({ difference }) => difference);
  expect(saved).toBe(0);
  expect(rounded).toBeGreaterThan(0);
  expect(rounded).toBeLessThan(2); // of up to 250 sunspots
  for (const difference of [runtime, imported]) expect(difference).toBeLessThan(1e-3);
  expect(pytorch).toBeLessThan(1e-6);
  expect(entries.map(([name]) => name)).toContain('layer.weight_hh_l0');
  expect(check).toMatch(/keep +self-test: y: as expected[^]*passes: /);
  expect(context.backend.memory().storages).toBe(before);
});
