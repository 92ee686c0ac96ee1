import { describe, expect, test } from 'vitest';
import { hostArray, type DType } from '../src/dtype.js';
import { ArgumentError } from '../src/errors.js';
import { formatTensor } from '../src/format.js';
import torchPrints from './cases/torch-prints.json' with { type: 'json' };

/**
 * What PyTorch printed (cases/generate.py); `data` is a list, or stands for i * scale + offset with
 * i from 0 to count - 1.
 */
interface PrintCase {
  name: string;
  data: (number | string)[] | { count: number; scale: number; offset: number };
  shape: number[];
  dtype: DType;
  suffix: string[];
  text: string;
}

const words: Record<string, number> = { nan: NaN, inf: Infinity, '-inf': -Infinity };

function elements({ data, dtype }: PrintCase): ReturnType<typeof hostArray> {
  const values = Array.isArray(data)
    ? data.map((value) => (typeof value === 'string' ? words[value] : value))
    : Array.from({ length: data.count }, (_, i) => i * data.scale + data.offset);
  return hostArray(dtype, values);
}

describe('prints what PyTorch prints', () => {
  test.each(torchPrints as unknown as PrintCase[])('$name', (printed) => {
    const { shape, dtype, suffix, text } = printed;
    expect(formatTensor({ data: elements(printed), shape, dtype, suffix })).toBe(text);
  });
});

test("prints the lesson's states", () => {
  const suffix = ['grad_fn=<TanhBackward0>'];
  const line = (data: number[]): string => formatTensor({ data, shape: [2], dtype: 'float32', suffix });
  expect(line([0.19298356771469116, -0.7173839211463928])).toBe('tensor([ 0.1930, -0.7174], grad_fn=<TanhBackward0>)');
  expect(line([0.9764047265052795, -0.9945011734962463])).toBe('tensor([ 0.9764, -0.9945], grad_fn=<TanhBackward0>)');
  expect(line([-0.22517766058444977, -0.9876322746276855])).toBe('tensor([-0.2252, -0.9876], grad_fn=<TanhBackward0>)');
});

test('takes ordinary arrays and no suffix', () => {
  expect(formatTensor({ data: [1, 2], shape: [1, 2], dtype: 'float32' })).toBe('tensor([[1., 2.]])');
});

test('refuses data that do not fill the shape', () => {
  const print = (): string => formatTensor({ data: [1, 2, 3], shape: [2, 2], dtype: 'float32' });
  expect(print).toThrow(ArgumentError);
  expect(print).toThrow('formatTensor: data has length 3, expected 4 for shape [2, 2]');
});
