import { describe, expect, test, vi } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
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
  bernoulli,
  compileFn,
  grad,
  gradcheck,
  ones,
  scan,
  setBackend,
  tap,
  to,
  TraceError,
  zeros,
  type DType,
  type ScanOptions,
  type Tensor,
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

const scanned = (options: unknown) => () =>
  scan((x: Tensor, h: Tensor) => [h, h.add(x)] as const, ones([4, 2, 3]), zeros([2, 3]), options as ScanOptions);

test.each<[message: string, call: () => unknown]>([
  [
    "scan: option 'length' is unknown, expected one of parameters, lengths, reverse, record, compile, resets, resetTo; write lengths",
    scanned({ length: [1, 2] }),
  ],
  ['scan: options is an array of 2, expected an object such as { parameters: ... }', scanned([1, 2])],
  ["scan: reverse is 'yes', expected true or false", scanned({ reverse: 'yes' })],
  ["scan: lengths[0] is '0', expected a whole number from 0 to 4", scanned({ lengths: ['0', 1] })],
  ['scan: lengths is 3, expected an array of whole numbers, one a row', scanned({ lengths: 3 })],
  ['scan: lengths is null, expected an array of whole numbers, one a row; leave it out', scanned({ lengths: null })],
  [
    'scan: lengths has length 4, expected 2, one for each row of the batch; the data have 4 steps: are they [B, T, ...], for batchFirst?',
    scanned({ lengths: [1, 1, 1, 1] }),
  ],
  ['scan: resets[0] is 1, expected an array of marks', scanned({ resets: [1, 0] })],
  [
    "compileFn: option 'elementWise' is unknown, expected one of elementwise, anyRows, mean, compile; write elementwise",
    () => compileFn((x: Tensor) => x, { elementWise: true } as never),
  ],
  ['compileFn: fn is 3, expected a function', () => compileFn(3 as never)],
  ['tap: name is 3, expected a text', () => tap(3 as never, zeros([1]))],
  ["backward: option 'retain_graph' is unknown", () => zeros([]).backward(undefined, { retain_graph: true } as never)],
  ["grad: option 'create_graph' is unknown", () => grad(zeros([]), [zeros([])], { create_graph: true } as never)],
  ['grad: inputs is a Tensor of shape [], expected an array of Tensors', () => grad(zeros([]), zeros([]) as never)],
  ["matmul: option 'transpose' is unknown", () => zeros([2, 2]).matmul(zeros([2, 2]), { transpose: true } as never)],
  ['matmul: options is true, expected an object', () => zeros([2, 2]).matmul(zeros([2, 2]), true as never)],
  ["zeros: option 'require_grad' is unknown", () => zeros([2], { require_grad: true } as never)],
  ["zeros: options is 'int32', expected an object such as { dtype: ... }", () => zeros([2], 'int32' as never)],
  ['zeros: shape is 2, expected an array of sizes', () => zeros(2 as never, 3 as never)],
  [
    'permute: dims is 1, expected an array of dimensions such as [1, 0]',
    () => (zeros([2, 3]).permute as Loose).call(zeros([2, 3]), 1, 0),
  ],
  [
    'flip: dims is followed by 1, expected the last argument; put them in one array: [0, 1]',
    () => (zeros([2, 3]).flip as Loose).call(zeros([2, 3]), 0, 1),
  ],
  [
    'squeeze: dims is followed by 1, expected the last argument; put them in one array: [0, 1]',
    () => (zeros([1, 1]).squeeze as Loose).call(zeros([1, 1]), 0, 1),
  ],
  [
    'setBackend: backend is a promise, expected a backend; write `setBackend(await cpu())`',
    () => setBackend(cpu() as never),
  ],
  ['to: target is a promise, expected a backend; write `await cpu()`', () => zeros([1]).to(cpu() as never)],
  ["oneHot: options is 'int32', expected an object", () => zeros([1], { dtype: 'int32' }).oneHot(2, 'int32' as never)],
  ["bernoulli: option 'per_sequence' is unknown", () => bernoulli(zeros([1]), 0.5, { per_sequence: true } as never)],
  [
    "gradcheck: option 'tol' is unknown",
    () => gradcheck((x) => x, [zeros([1], { dtype: 'float64' })], { tol: 1 } as never),
  ],
])('%s', (message, call) => {
  expect(call).toThrow(message);
  expect(call).toThrow(RnnError);
});

type Loose = (this: Tensor, ...values: unknown[]) => unknown;
