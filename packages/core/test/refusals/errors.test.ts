import { describe, expect, test, vi } from 'vitest';
import {
  AnomalyError,
  ArgumentError,
  AutogradError,
  BackendError,
  DisposedError,
  DTypeError,
  FormatError,
  MemoryLimitError,
  RnnError,
  ShapeError,
  StateDictError,
  to,
  TraceError,
  zeros,
  type DType,
} from '../../src/index.js';
import { backend, double } from './refusal.js';

describe('errors', () => {
  test.each([
    [new ArgumentError('m'), 'ArgumentError', 'ERR_ARGUMENT'],
    [new ShapeError('m'), 'ShapeError', 'ERR_SHAPE'],
    [new DTypeError('m'), 'DTypeError', 'ERR_DTYPE'],
    [new BackendError('m'), 'BackendError', 'ERR_BACKEND'],
    [new MemoryLimitError('m'), 'MemoryLimitError', 'ERR_MEMORY'],
    [new DisposedError('m'), 'DisposedError', 'ERR_DISPOSED'],
    [new AutogradError('m'), 'AutogradError', 'ERR_AUTOGRAD'],
    [new AnomalyError('log', 'm'), 'AnomalyError', 'ERR_ANOMALY'],
    [new StateDictError('m'), 'StateDictError', 'ERR_STATE_DICT'],
    [new FormatError('m'), 'FormatError', 'ERR_FORMAT'],
    [new TraceError('m'), 'TraceError', 'ERR_TRACE'],
  ])('%o', (error, name, code) => {
    expect([error instanceof RnnError, error instanceof Error, error.name, error.code, error.message]).toEqual([
      true,
      true,
      name,
      code,
      'm',
    ]);
  });

  test('carry what programs read', () => {
    const cause = new Error('below');
    const error = new ShapeError('m', { argument: 'x', expected: '[2]', received: '[3]', code: 'ERR_FINER', cause });
    expect([error.argument, error.expected, error.received, error.code, error.cause]).toEqual([
      'x',
      '[2]',
      '[3]',
      'ERR_FINER',
      cause,
    ]);
    expect(new StateDictError('m', { missing: ['a'], unexpected: ['b'] })).toMatchObject({
      missing: ['a'],
      unexpected: ['b'],
    });
  });
});

test('a type that the backend lacks is refused, and what has no such type as well', () => {
  const single = new Proxy(backend, {
    get: (target, key) =>
      key === 'info'
        ? { ...target.info, name: 'single', dtypes: ['float32', 'int32'] satisfies DType[] }
        : (Reflect.get(target, key) as unknown),
  });
  const message = "dtype is float64, expected one of those that the backend 'single' has: float32, int32";
  expect(() => zeros([1], { dtype: 'float64', backend: single })).toThrow(
    expect.objectContaining({ code: 'ERR_DTYPE', message: `zeros: ${message}; use dtype: 'float32'` }),
  );
  expect(() => to(double(), single)).toThrow(
    expect.objectContaining({ code: 'ERR_DTYPE', message: `to: ${message}; convert with .to('float32') first` }),
  );
});

test('nothing works before a backend is chosen, and the message says how to', async () => {
  vi.resetModules();
  const fresh = await import('../../src/index.js');
  expect(() => fresh.zeros([1])).toThrow(
    expect.objectContaining({
      code: 'ERR_BACKEND',
      message:
        "no backend is set; install one, then `import { cpu } from '@rnn/backend-cpu'` and `setBackend(await cpu())`",
    }),
  );
});
