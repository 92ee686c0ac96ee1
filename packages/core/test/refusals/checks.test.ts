import { describe, expect, test } from 'vitest';
import {
  checkBackend,
  checkChoice,
  checkCount,
  checkFlag,
  checkFloating,
  checkFunction,
  checkList,
  checkNumber,
  checkOptions,
  checkPlace,
  checkShapeIs,
  checkSupported,
  checkTensor,
  checkTensors,
  checkText,
  refuse,
  describeValue,
  withDefaults,
} from '../../src/checks/index.js';
import { ArgumentError, RnnError, StateDictError } from '../../src/index.js';
import { backend, double, elsewhere, v, whole } from './refusal.js';

describe('a refusal', () => {
  test('says operation, argument, what came, what was expected, what to do, in words and in fields', () => {
    const cause = new Error('below');
    expect(() =>
      refuse(ArgumentError, 'f', 'x', { value: -1, expected: 'a number above 0', hint: 'turn it around', cause }),
    ).toThrow(
      expect.objectContaining({
        message: 'f: x is -1, expected a number above 0; turn it around',
        code: 'ERR_ARGUMENT',
        argument: 'x',
        expected: 'a number above 0',
        received: '-1',
        cause,
      }),
    );
    expect(() =>
      refuse(StateDictError, 'f', 'x', { has: 'names', received: 'a', expected: 'b', missing: ['b'] }),
    ).toThrow(expect.objectContaining({ message: 'f: x has names a, expected b', missing: ['b'] }));
  });

  test.each([
    ['lr', "'lr'"],
    ['x'.repeat(50), `'${'x'.repeat(40)}...'`],
    [3n, 'the BigInt 3n'],
    [Symbol('s'), 'a symbol'],
    [() => 1, 'a function'],
    [null, 'null'],
    [undefined, 'undefined'],
    [NaN, 'NaN'],
    [[], 'an empty array'],
    [[1, 2], 'an array of 2'],
    [Promise.resolve(1), 'a promise'],
    [new Map(), 'a Map'],
    [new Uint8Array(2), 'a Uint8Array'],
    [{ a: 1 }, 'an object'],
    [Object.create(null), 'an object'],
  ])('shows %o as %s', (value, words) => {
    expect(describeValue(value)).toBe(words);
  });

  test('shows tensors by their shape', () => {
    expect(describeValue(v())).toBe('a Tensor of shape [3]');
  });
});

/** The call, and its error after `f: `. */
const refusals: [call: () => unknown, message: string | undefined][] = [
  [() => checkNumber('f', 'x', 0.5), undefined],
  [() => checkNumber('f', 'x', Infinity), 'x is Infinity, expected a finite number'],
  [() => checkNumber('f', 'x', NaN), 'x is NaN, expected a finite number'],
  [() => checkNumber('f', 'x', '3'), "x is '3', expected a finite number"],
  [() => checkNumber('f', 'x', 3n), 'x is the BigInt 3n, expected a finite number'],
  [() => checkNumber('f', 'x', 0, { from: 0 }), undefined],
  [() => checkNumber('f', 'x', Infinity, { from: 0 }), 'x is Infinity, expected a finite number from 0 up'],
  [() => checkNumber('f', 'x', Infinity, { from: 0, to: Infinity }), undefined],
  [() => checkNumber('f', 'x', 0, { above: 0 }), 'x is 0, expected a finite number above 0'],
  [() => checkNumber('f', 'x', Infinity, { above: 0 }), 'x is Infinity, expected a finite number above 0'],
  [() => checkNumber('f', 'x', 1, { from: 0, to: 1 }), undefined],
  [() => checkNumber('f', 'x', 1.1, { from: 0, to: 1 }), 'x is 1.1, expected a number from 0 to 1'],
  [() => checkNumber('f', 'x', 1, { from: 0, below: 1 }), 'x is 1, expected a number from 0 and below 1'],
  [() => checkNumber('f', 'x', -Infinity, { below: 1 }), 'x is -Infinity, expected a number below 1'],
  [() => checkNumber('f', 'x', 0, { above: 0, to: 1 }), 'x is 0, expected a number above 0, at most 1'],
  [() => checkNumber('f', 'x', 2, { from: -Infinity, to: 1 }), 'x is 2, expected a number, at most 1'],
  [() => checkNumber('f', 'x', NaN, { from: -Infinity, to: Infinity }), 'x is NaN, expected a number'],
  [() => checkCount('f', 'n', 0), undefined],
  [() => checkCount('f', 'n', 0, 1), 'n is 0, expected a whole number from 1 up'],
  [() => checkCount('f', 'n', 1.5, 1), 'n is 1.5, expected a whole number from 1 up'],
  [() => checkCount('f', 'n', 9, 0, 8), 'n is 9, expected a whole number from 0 to 8'],
  [() => checkFlag('f', 'on', false), undefined],
  [() => checkFlag('f', 'on', { keepDim: false }), 'on is an object, expected true or false'],
  [() => checkChoice('f', 'how', 'a', ['a', 'b']), undefined],
  [() => checkChoice('f', 'how', 'c', ['a', 'b']), "how is 'c', expected 'a' or 'b'"],
  [() => checkText('f', 'name', 'x'), undefined],
  [() => checkText('f', 'name', 1), 'name is 1, expected a text'],
  [() => checkFunction('f', 'fn', () => 1), undefined],
  [() => checkFunction('f', 'fn', 1, '(x) => Tensor'), 'fn is 1, expected a function (x) => Tensor'],
  [() => checkList('f', 'list', [], 'names'), undefined],
  [() => checkList('f', 'list', 'ab', 'names'), "list is 'ab', expected an array of names"],
  [() => checkList('f', 'list', [], 'name', 1), 'list is an empty array, expected an array of at least one name'],
  [() => checkOptions('f', {}, ['lr']), undefined],
  [() => checkOptions('f', Object.create({ lr: 1 }), ['lr']), undefined],
  [() => checkOptions('f', 0.01, ['lr']), 'options is 0.01, expected an object such as { lr: ... }'],
  [() => checkOptions('f', [], ['lr']), 'options is an empty array, expected an object such as { lr: ... }'],
  [() => checkOptions('f', new Map(), ['lr']), 'options is a Map, expected an object such as { lr: ... }'],
  [
    () => checkOptions('f', null, ['lr']),
    'options is null, expected an object such as { lr: ... }; leave it out where there are none',
  ],
  [
    () => checkOptions('f', Promise.resolve({}), ['lr']),
    'options is a promise, expected an object such as { lr: ... }; write await before it',
  ],
  [
    () => checkOptions('f', { batch_size: 1 }, ['shuffle', 'batchSize']),
    "option 'batch_size' is unknown, expected one of shuffle, batchSize; write batchSize",
  ],
  [
    () => checkOptions('f', { length: 1 }, ['lengths']),
    "option 'length' is unknown, expected one of lengths; write lengths",
  ],
  [
    () => checkOptions('f', { lenghts: 1 }, ['lengths']),
    "option 'lenghts' is unknown, expected one of lengths; write lengths",
  ],
  [() => checkOptions('f', { momentum: 1 }, ['lr']), "option 'momentum' is unknown, expected one of lr"],
  [() => checkOptions('f', { momentum: 1 }, []), "option 'momentum' is unknown, expected none"],
  [() => checkTensor('f', 'x', v()), undefined],
  [() => checkTensor('f', 'x', [1]), 'x is an array of 1, expected a Tensor; make one with tensor(...)'],
  [() => checkTensor('f', 'x', Promise.resolve(v())), 'x is a promise, expected a Tensor; write await before it'],
  [() => checkTensors('f', 'xs', [v()]), undefined],
  [() => checkTensors('f', 'xs', []), 'xs is an empty array, expected an array of at least one Tensor'],
  [() => checkTensors('f', 'xs', [v(), 1]), 'xs[1] is 1, expected a Tensor; make one with tensor(...)'],
  [() => checkFloating('f', 'x', v()), undefined],
  [() => checkFloating('f', 'x', whole()), "x is int32, expected float32 or float64; convert with .to('float32')"],
  [() => checkShapeIs('f', 'x', v(), [3]), undefined],
  [() => checkShapeIs('f', 'x', v(), [2], 'hiddenSize'), 'x has shape [3], expected [2] (hiddenSize)'],
  [() => checkPlace('f', 'x', v(), v()), undefined],
  [
    () => checkPlace('f', 'x', double(), v()),
    "x is float64, expected float32 as the input; convert with .to('float32')",
  ],
  [
    () => checkPlace('f', 'x', elsewhere(), v(), 'y'),
    "x is on another 'cpu' backend, expected on that of y; move one of them with .to(backend)",
  ],
  [() => checkBackend('f', 'backend', backend), undefined],
  [
    () => checkBackend('f', 'backend', Promise.resolve(backend)),
    'backend is a promise, expected a backend; write `await cpu()`',
  ],
  [
    () => checkBackend('f', 'backend', 'cpu'),
    "backend is 'cpu', expected a backend; one comes from a factory, as in `await cpu()`",
  ],
  [
    () => checkBackend('f', 'backend', {}),
    'backend is an object, expected a backend; one comes from a factory, as in `await cpu()`',
  ],
  [() => checkSupported('f', 'int32', backend), undefined],
  [
    () => checkSupported('f', 'float16', backend),
    "dtype is float16, expected one of those that the backend 'cpu' has: float32, float64, int32",
  ],
];

test.each(refusals.map(([call, message]) => ({ title: message ?? String(call), call, message })))(
  'check: $title',
  ({ call, message }) => {
    if (message === undefined) {
      call();
      return;
    }
    expect(call).toThrow(expect.objectContaining({ message: `f: ${message}` }));
    expect(call).toThrow(RnnError);
  },
);

test('a backend that lacks a method is refused by its name', () => {
  const partial = Object.assign(Object.create(backend) as object, { matmul: undefined });
  expect(() => checkBackend('f', 'backend', partial)).toThrow("f: backend is 'cpu' without matmul, expected a backend");
});

test('options lie over their defaults, and undefined stands for the default', () => {
  const defaults: { lr: number; momentum: number | undefined } = { lr: 0.1, momentum: undefined };
  expect(withDefaults('f', defaults, { lr: undefined, momentum: 0.9 })).toEqual({ lr: 0.1, momentum: 0.9 });
  expect(() => withDefaults('f', defaults, { learning: 1 } as never)).toThrow("option 'learning' is unknown");
});
