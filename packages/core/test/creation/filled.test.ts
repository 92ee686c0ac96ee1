import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  arange,
  eye,
  full,
  Generator,
  manualSeed,
  ones,
  onesLike,
  rand,
  randint,
  randn,
  setBackend,
  tensor,
  zeros,
  zerosLike,
  type DType,
  type Tensor,
} from '../../src/index.js';

beforeEach(async () => setBackend(await cpu()));

const described = ({ shape, dtype, requiresGrad }: Tensor): unknown[] => [shape, dtype, requiresGrad];

describe('filled tensors', () => {
  test('have shape, type and value', () => {
    expect(full([2, 2], 7).toArray()).toEqual([
      [7, 7],
      [7, 7],
    ]);
    expect(zeros([2]).toArray()).toEqual([0, 0]);
    expect(ones([], { dtype: 'int32' }).toArray()).toBe(1);
    expect(described(zeros([0, 2], { dtype: 'float64', requiresGrad: true }))).toEqual([[0, 2], 'float64', true]);
    expect(full([2], NaN).toArray()).toEqual([NaN, NaN]);
  });

  test('take shape, type and place of another', async () => {
    const x = tensor([[1, 2]], { dtype: 'float64', backend: await cpu(), requiresGrad: true });
    for (const [like, value] of [
      [zerosLike(x), 0],
      [onesLike(x), 1],
    ] as const) {
      expect([...described(like), like.backend === x.backend, like.toArray()]).toEqual([
        [1, 2],
        'float64',
        false,
        true,
        [[value, value]],
      ]);
    }
  });

  test.each([zeros, ones, rand, randn])('%o refuses sizes that are none', (make) => {
    for (const size of [NaN, -1, 1.5, Infinity, '2' as unknown as number]) {
      expect(() => make([2, size])).toThrow(
        expect.objectContaining({
          code: 'ERR_SHAPE',
          argument: 'shape[1]',
          received: typeof size === 'string' ? "'2'" : String(size),
          expected: 'a whole number from 0 up',
        }),
      );
    }
    expect(() => make(3 as unknown as number[])).toThrow(
      expect.objectContaining({
        code: 'ERR_SHAPE',
        message: `${make.name}: shape is 3, expected an array of sizes such as [2, 3]; put the sizes in one array: [3, ...]`,
      }),
    );
  });

  test('refuse a value that does not fit the type', () => {
    expect(() => full([2], 0.5, { dtype: 'int32' })).toThrow(
      expect.objectContaining({
        code: 'ERR_DTYPE',
        argument: 'value',
        message: 'full: value is 0.5, expected a whole number of 32 bits for int32',
      }),
    );
    expect(() => full([2], '1' as unknown as number)).toThrow(
      expect.objectContaining({ code: 'ERR_DTYPE', argument: 'value' }),
    );
  });
});

describe('arange', () => {
  test.each<[string, () => Tensor, number[]]>([
    ['to an end', () => arange(3), [0, 1, 2]],
    ['to nothing', () => arange(0), []],
    ['from a start', () => arange(2, 5), [2, 3, 4]],
    ['in steps', () => arange(1, 2, 0.25), [1, 1.25, 1.5, 1.75]],
    ['in steps that overshoot', () => arange(0, 5, 2), [0, 2, 4]],
    ['backwards', () => arange(3, 0, -1), [3, 2, 1]],
    ['nowhere', () => arange(2, 2, -1), []],
  ])('%s', (_, make, expected) => {
    const x = make();
    expect([x.shape, x.toArray()]).toEqual([[expected.length], expected]);
  });

  test('refuses more numbers than an array can hold', () => {
    expect(() => arange(2 ** 53)).toThrow(
      'arange: step is 1, expected one that leads from 0 to 9007199254740992 in at most',
    );
  });

  test('takes options in both forms', () => {
    expect(arange(3, { dtype: 'int32' }).dtype).toBe('int32');
    expect(arange(0, 3, 1, { dtype: 'float64' }).dtype).toBe('float64');
  });

  test.each([
    [0, 3, 0],
    [0, 3, -1],
    [3, 0, 1],
  ])('refuses %d, %d, %d', (start, end, step) => {
    expect(() => arange(start, end, step)).toThrow(
      expect.objectContaining({
        code: 'ERR_ARGUMENT',
        argument: 'step',
        message: `arange: step is ${step}, expected one that leads from ${start} to ${end}`,
      }),
    );
  });

  test.each([
    ['end', () => arange(0, NaN)],
    ['end', () => arange(0, Infinity)],
    ['end', () => arange('3' as never)],
    ['start', () => arange('0' as never, 3)],
    ['step', () => arange(0, 3, NaN)],
    ['step', () => arange(0, 3, '1' as never)],
  ])('refuses a wrong %s', (argument, call) => {
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT', argument }));
  });
});

test('eye', () => {
  expect(eye(2).toArray()).toEqual([
    [1, 0],
    [0, 1],
  ]);
  expect(eye(2, 3, { dtype: 'int32' }).toArray()).toEqual([
    [1, 0, 0],
    [0, 1, 0],
  ]);
  expect(eye(3, 1).toArray()).toEqual([[1], [0], [0]]);
  expect(eye(0).shape).toEqual([0, 0]);
  expect(() => eye(-1)).toThrow(
    expect.objectContaining({
      code: 'ERR_SHAPE',
      message: 'eye: shape[0] is -1, expected a whole number from 0 up',
    }),
  );
});

describe('random tensors', () => {
  test('are the same for the same seed, whatever the backend', async () => {
    const draw = (): unknown => [rand([3]).toArray(), randn([2, 2]).toArray(), randint(0, 10, [4]).toArray()];
    manualSeed(5);
    const first = draw();
    setBackend(await cpu());
    manualSeed(5);
    expect(draw()).toEqual(first);
    expect(draw()).not.toEqual(first);
  });

  test("have PyTorch's numbers", () => {
    manualSeed(0);
    expect(String(randn([2]))).toBe('tensor([ 1.5410, -0.2934])');
  });

  test('come from a generator of their own where one is given', () => {
    const values = (): unknown => randn([3], { generator: new Generator(3) }).toArray();
    expect(values()).toEqual(values());
  });

  test('keep to their ranges and types', () => {
    const u = rand([1000]).dataSync();
    expect([Math.min(...u) >= 0, Math.max(...u) < 1]).toEqual([true, true]);
    const k = randint(-2, 3, [1000]);
    expect([k.dtype, [...new Set(k.dataSync())].sort((a, b) => a - b)]).toEqual(['int32', [-2, -1, 0, 1, 2]]);
    expect([randint(0, 2, [1], { dtype: 'float32' }).dtype, randn([1], { dtype: 'float64' }).dtype]).toEqual([
      'float32',
      'float64',
    ]);
  });

  test('draw nothing for a call that is refused', () => {
    manualSeed(1);
    const expected = rand([1]).item();
    manualSeed(1);
    expect(() => randn([2], { dtype: 'int32' })).toThrow(
      expect.objectContaining({
        code: 'ERR_DTYPE',
        argument: 'dtype',
        message: 'randn: dtype is int32, expected float32 or float64; use randint for whole numbers',
      }),
    );
    expect(() => randint(3, 3, [2])).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
    expect(() => rand([2], { dtype: 'int64' as DType })).toThrow(expect.objectContaining({ code: 'ERR_DTYPE' }));
    expect(() => randint(0, 3, [2], { requiresGrad: true })).toThrow(expect.objectContaining({ code: 'ERR_DTYPE' }));
    expect(rand([1]).item()).toBe(expected);
  });
});
