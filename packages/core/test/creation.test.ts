import { inspect } from 'node:util';
import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  arange, eye, fromData, full, Generator, getBackend, manualSeed, ones, onesLike, rand, randint, randn, setBackend, stack, tensor, zeros, zerosLike,
  type Backend, type DType, type Tensor, type TensorLike,
} from '../src/index.js';

beforeEach(async () => setBackend(await cpu()));

const described = ({ shape, dtype, requiresGrad }: Tensor): unknown[] => [shape, dtype, requiresGrad];

describe('tensor', () => {
  test.each<[string, TensorLike, number[], number[]]>([
    ['a number', 3, [], [3]],
    ['a truth value', true, [], [1]],
    ['a list', [1, 2], [2], [1, 2]],
    ['nested lists', [[1, 2, 3], [4, 5, 6]], [2, 3], [1, 2, 3, 4, 5, 6]],
    ['truth values', [[true], [false]], [2, 1], [1, 0]],
    ['four levels', [[[[1]], [[2]]]], [1, 2, 1, 1], [1, 2]],
    ['nothing', [], [0], []],
    ['lists of nothing', [[], []], [2, 0], []],
    ['typed arrays in a list', [new Float32Array([1, 2]), new Float32Array([3, 4])], [2, 2], [1, 2, 3, 4]],
    ['NaN and infinities', [NaN, Infinity, -Infinity], [3], [NaN, Infinity, -Infinity]],
  ])('of %s', (_, values, shape, elements) => {
    const x = tensor(values);
    expect([x.shape, x.dtype, Array.from(x.dataSync())]).toEqual([shape, 'float32', elements]);
  });

  test.each<[DType, Float32Array | Float64Array | Int32Array]>([
    ['float32', new Float32Array([1, 2])],
    ['float64', new Float64Array([1, 2])],
    ['int32', new Int32Array([1, 2])],
  ])('of a typed array has the type %s, unless told otherwise', (dtype, values) => {
    expect(tensor(values).dtype).toBe(dtype);
    expect(tensor(values, { dtype: 'float64' }).dtype).toBe('float64');
  });

  test('copies what it is given', () => {
    const values = new Float32Array([1, 2]);
    const x = tensor(values);
    values[0] = 7;
    expect(Array.from(x.dataSync())).toEqual([1, 2]);
    x.dataSync()[0] = 9;
    expect(Array.from(x.dataSync())).toEqual([1, 2]);
  });

  test('may want a gradient and lie on another backend than the current one', async () => {
    const other = await cpu();
    const x = tensor([1], { requiresGrad: true, backend: other });
    expect([x.requiresGrad, x.isLeaf, x.backend === other, getBackend() === other]).toEqual([true, true, true, false]);
  });

  test.each<[string, unknown, string, string]>([
    ['uneven lists', [[1, 2], [3]], 'ERR_SHAPE', 'tensor: values are nested unevenly: received a list of 1 at depth 1, expected a list of 2 (the first lists give shape [2, 2])'],
    ['a list beside a number', [1, [2]], 'ERR_SHAPE', 'tensor: values are nested unevenly: received a list of 1 at depth 1, expected a number (the first lists give shape [2])'],
    ['a number beside a list', [[1], 2], 'ERR_SHAPE', 'tensor: values are nested unevenly: received 2 at depth 1, expected a list of 1 (the first lists give shape [2, 1])'],
    ['a string', 'abc', 'ERR_ARGUMENT', 'tensor: element 0 is string, expected a number'],
    ['a string in a list', [1, '2'], 'ERR_ARGUMENT', 'tensor: element 1 is string, expected a number'],
    ['null', null, 'ERR_ARGUMENT', 'tensor: element 0 is null, expected a number'],
    ['null in a list', [null], 'ERR_ARGUMENT', 'tensor: element 0 is null, expected a number'],
    ['undefined', undefined, 'ERR_ARGUMENT', 'tensor: element 0 is undefined, expected a number'],
    ['an object', { a: 1 }, 'ERR_ARGUMENT', 'tensor: element 0 is object, expected a number'],
    ['an array of bytes', new Uint8Array(2), 'ERR_ARGUMENT', 'tensor: element 0 is object, expected a number'],
  ])('refuses %s', (_, values, code, message) => {
    expect(() => tensor(values as TensorLike)).toThrow(expect.objectContaining({ code, message, argument: 'values' }));
  });

  test('refuses tensors, with advice', () => {
    const x = tensor([1]);
    const message = 'tensor: element 0 is a Tensor, expected a number; use stack for a list of tensors, clone() for a copy';
    expect(() => tensor(x as unknown as TensorLike)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT', message }));
    expect(() => tensor([x] as unknown as TensorLike)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT', message }));
  });

  test.each([
    [[1, 1.5], 'tensor: element 1 is 1.5, expected whole numbers of 32 bits for int32'],
    [[NaN], 'tensor: element 0 is NaN, expected whole numbers of 32 bits for int32'],
    [[2 ** 31], 'tensor: element 0 is 2147483648, expected whole numbers of 32 bits for int32'],
  ])('refuses %j as int32', (values, message) => {
    expect(() => tensor(values, { dtype: 'int32' })).toThrow(expect.objectContaining({ code: 'ERR_DTYPE', argument: 'values', message }));
  });

  test('refuses types that do not exist, or have no gradient', () => {
    expect(() => tensor([1], { dtype: 'int64' as DType })).toThrow(
      expect.objectContaining({ code: 'ERR_DTYPE', argument: 'dtype', received: 'int64', message: "tensor: dtype is int64, expected one of those that the backend 'cpu' has: float32, float64, int32" }),
    );
    expect(() => tensor([1], { dtype: 'int32', requiresGrad: true })).toThrow(
      expect.objectContaining({ code: 'ERR_DTYPE', argument: 'requiresGrad', message: 'tensor: requiresGrad is set and dtype is int32, which has no gradient, expected float32 or float64' }),
    );
  });
});

describe('fromData', () => {
  test('takes flat values and a shape', () => {
    expect(fromData([1, 2, 3, 4], [2, 2]).toArray()).toEqual([[1, 2], [3, 4]]);
    expect(described(fromData(new Int32Array(6), [2, 3]))).toEqual([[2, 3], 'int32', false]);
  });

  test('copies the shape', () => {
    const shape = [2];
    const x = fromData([1, 2], shape);
    shape[0] = 3;
    expect(x.shape).toEqual([2]);
  });

  test('refuses another number of values', () => {
    expect(() => fromData([1, 2, 3], [2, 2])).toThrow(
      expect.objectContaining({ code: 'ERR_SHAPE', argument: 'shape', expected: '3 elements', received: '[2, 2]', message: 'fromData: shape [2, 2] has 4 elements, received 3 values' }),
    );
  });

  test('refuses what is no list of numbers', () => {
    expect(() => fromData('12' as unknown as number[], [2])).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT', argument: 'values', message: 'fromData: values is string, expected a Float32Array, Float64Array, Int32Array or list of numbers' }),
    );
    expect(() => fromData(new Uint8Array(2) as unknown as number[], [2])).toThrow('fromData: values is Uint8Array');
  });
});

describe('filled tensors', () => {
  test('have shape, type and value', () => {
    expect(full([2, 2], 7).toArray()).toEqual([[7, 7], [7, 7]]);
    expect(zeros([2]).toArray()).toEqual([0, 0]);
    expect(ones([], { dtype: 'int32' }).toArray()).toBe(1);
    expect(described(zeros([0, 2], { dtype: 'float64', requiresGrad: true }))).toEqual([[0, 2], 'float64', true]);
    expect(full([2], NaN).toArray()).toEqual([NaN, NaN]);
  });

  test('take shape, type and place of another', async () => {
    const x = tensor([[1, 2]], { dtype: 'float64', backend: await cpu(), requiresGrad: true });
    for (const [like, value] of [[zerosLike(x), 0], [onesLike(x), 1]] as const) {
      expect([...described(like), like.backend === x.backend, like.toArray()]).toEqual([[1, 2], 'float64', false, true, [[value, value]]]);
    }
  });

  test.each([zeros, ones, rand, randn])('%o refuses sizes that are none', (make) => {
    for (const size of [NaN, -1, 1.5, Infinity, '2' as unknown as number]) {
      expect(() => make([2, size])).toThrow(
        expect.objectContaining({
          code: 'ERR_SHAPE',
          argument: 'shape',
          received: String(size),
          expected: 'whole numbers from 0 up',
          message: `${make.name}: shape [2, ${size}] has the size ${size}, expected whole numbers from 0 up`,
        }),
      );
    }
    expect(() => make(3 as unknown as number[])).toThrow(
      expect.objectContaining({ code: 'ERR_SHAPE', message: `${make.name}: shape is number, expected an array of sizes such as [2, 3]` }),
    );
  });

  test('refuse a value that does not fit the type', () => {
    expect(() => full([2], 0.5, { dtype: 'int32' })).toThrow(
      expect.objectContaining({ code: 'ERR_DTYPE', argument: 'value', message: 'full: value is 0.5, expected a whole number of 32 bits for int32' }),
    );
    expect(() => full([2], '1' as unknown as number)).toThrow(expect.objectContaining({ code: 'ERR_DTYPE', argument: 'value' }));
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

  test('takes options in both forms', () => {
    expect(arange(3, { dtype: 'int32' }).dtype).toBe('int32');
    expect(arange(0, 3, 1, { dtype: 'float64' }).dtype).toBe('float64');
  });

  test.each([[0, 3, 0], [0, 3, -1], [3, 0, 1], [0, NaN, 1], [0, Infinity, 1], [0, 3, NaN]])('refuses %d, %d, %d', (start, end, step) => {
    expect(() => arange(start, end, step)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT', argument: 'step', message: `arange: step is ${step}, expected one that leads from ${start} to ${end}` }),
    );
  });
});

test('eye', () => {
  expect(eye(2).toArray()).toEqual([[1, 0], [0, 1]]);
  expect(eye(2, 3, { dtype: 'int32' }).toArray()).toEqual([[1, 0, 0], [0, 1, 0]]);
  expect(eye(3, 1).toArray()).toEqual([[1], [0], [0]]);
  expect(eye(0).shape).toEqual([0, 0]);
  expect(() => eye(-1)).toThrow(expect.objectContaining({ code: 'ERR_SHAPE', message: 'eye: shape [-1, -1] has the size -1, expected whole numbers from 0 up' }));
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
    expect([randint(0, 2, [1], { dtype: 'float32' }).dtype, randn([1], { dtype: 'float64' }).dtype]).toEqual(['float32', 'float64']);
  });

  test('draw nothing for a call that is refused', () => {
    manualSeed(1);
    const expected = rand([1]).item();
    manualSeed(1);
    expect(() => randn([2], { dtype: 'int32' })).toThrow(
      expect.objectContaining({ code: 'ERR_DTYPE', argument: 'dtype', message: 'randn: dtype is int32, expected float32 or float64; use randint for whole numbers' }),
    );
    expect(() => randint(3, 3, [2])).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
    expect(() => rand([2], { dtype: 'int64' as DType })).toThrow(expect.objectContaining({ code: 'ERR_DTYPE' }));
    expect(() => randint(0, 3, [2], { requiresGrad: true })).toThrow(expect.objectContaining({ code: 'ERR_DTYPE' }));
    expect(rand([1]).item()).toBe(expected);
  });
});

describe('reading', () => {
  const x = (): Tensor => tensor([[1, 2, 3], [4, 5, 6]]);

  test('data, dataSync, toArray and item', async () => {
    expect(await x().data()).toEqual(new Float32Array([1, 2, 3, 4, 5, 6]));
    expect(x().dataSync()).toEqual(new Float32Array([1, 2, 3, 4, 5, 6]));
    expect(x().toArray()).toEqual([[1, 2, 3], [4, 5, 6]]);
    expect(zeros([2, 0]).toArray()).toEqual([[], []]);
    expect([tensor(3).item(), tensor([[4]]).item()]).toEqual([3, 4]);
    expect([x().rank, x().size, tensor(3).rank, tensor(3).size]).toEqual([2, 6, 0, 1]);
  });

  test('item refuses more or less than one element', () => {
    expect(() => x().item()).toThrow(
      expect.objectContaining({ code: 'ERR_SHAPE', expected: 'one element', received: '[2, 3]', message: 'item: the tensor has shape [2, 3], expected one element; use dataSync() or toArray()' }),
    );
    expect(() => zeros([0]).item()).toThrow(expect.objectContaining({ code: 'ERR_SHAPE' }));
  });

  test('a tensor is not iterable, and says what to do', () => {
    expect(() => [...(x() as unknown as Iterable<number>)]).toThrow('a tensor is not iterable; use unbind() for its parts or dataSync() for its numbers');
  });
});

describe('printing', () => {
  const w = (): Tensor => tensor([[1, 2], [3, 4]], { requiresGrad: true });
  const v = (): Tensor => tensor([1, 2], { requiresGrad: true });
  const index = (): Tensor => tensor([0, 1], { dtype: 'int32' });

  test('shows numbers as PyTorch does, in template strings and in console.log', () => {
    const x = tensor([[1.5, -2], [0.25, 3]]);
    const text = 'tensor([[ 1.5000, -2.0000],\n        [ 0.2500,  3.0000]])';
    expect([String(x), `${x}`, inspect(x), inspect({ x })]).toEqual([text, text, text, `{\n  x: ${text.replace('\n', '\n  ')}\n}`]);
  });

  test.each<[Tensor | (() => Tensor), string]>([
    [() => tensor(3.5), 'tensor(3.5000)'],
    [() => tensor([1, 2], { dtype: 'int32' }), 'tensor([1, 2], dtype=torch.int32)'],
    [() => tensor([1], { dtype: 'float64' }), 'tensor([1.], dtype=torch.float64)'],
    [() => zeros([2, 0]), 'tensor([], size=(2, 0))'],
    [v, 'tensor([1., 2.], requires_grad=True)'],
    [() => v().detach(), 'tensor([1., 2.])'],
  ])('%#', (make, text) => {
    expect(String(typeof make === 'function' ? make() : make)).toBe(text);
  });

  test.each<[string, () => Tensor]>([
    ['Tanh', () => v().tanh()],
    ['Sigmoid', () => v().sigmoid()],
    ['Relu', () => v().relu()],
    ['Softplus', () => v().softplus()],
    ['Exp', () => v().exp()],
    ['Log', () => v().log()],
    ['Sqrt', () => v().sqrt()],
    ['Abs', () => v().abs()],
    ['Neg', () => v().neg()],
    ['Reciprocal', () => v().reciprocal()],
    ['Add', () => v().add(1)],
    ['Sub', () => v().sub(1)],
    ['Mul', () => v().mul(2)],
    ['Div', () => v().div(2)],
    ['Pow', () => v().pow(2)],
    ['Maximum', () => v().maximum(v())],
    ['Minimum', () => v().minimum(v())],
    ['Clamp', () => v().clamp(0, 1)],
    ['Where', () => v().where(v().gt(1), 0)],
    ['Mm', () => w().matmul(w())],
    ['Mv', () => w().matmul(v())],
    ['Dot', () => v().matmul(v())],
    ['Bmm', () => w().unsqueeze(0).matmul(w().unsqueeze(0))],
    ['Sum', () => w().sum()],
    ['Mean', () => w().mean()],
    ['Amax', () => w().amax(0)],
    ['Amin', () => w().amin(0)],
    ['Max', () => w().max()],
    ['Max', () => w().max(0).values],
    ['Min', () => w().min()],
    ['Logsumexp', () => w().logsumexp(0)],
    ['Softmax', () => w().softmax(0)],
    ['LogSoftmax', () => w().logSoftmax(0)],
    ['View', () => w().reshape([4])],
    ['View', () => w().flatten()],
    ['Squeeze', () => w().squeeze()],
    ['Unsqueeze', () => w().unsqueeze(0)],
    ['Permute', () => w().permute([1, 0])],
    ['Transpose', () => w().transpose(0, 1)],
    ['T', () => w().t()],
    ['Slice', () => w().slice(0, 1)],
    ['Slice', () => w().narrow(0, 0, 1)],
    ['Select', () => w().select(0, 1)],
    ['Unbind', () => w().unbind()[0]],
    ['Split', () => w().split(1)[0]],
    ['Split', () => w().chunk(2)[0]],
    ['Flip', () => w().flip(0)],
    ['Expand', () => v().expand([3, 2])],
    ['Stack', () => stack([v(), v()])],
    ['Gather', () => v().gather(0, index())],
    ['IndexSelect', () => v().indexSelect(0, index())],
    ['ScatterAdd', () => v().scatterAdd(0, index(), v())],
    ['Clone', () => v().clone()],
    ['ToCopy', () => v().to('float64')],
  ])('names the derivative %sBackward0 as PyTorch does', (name, make) => {
    expect(String(make())).toMatch(new RegExp(`grad_fn=<${name}Backward0>\\)$`));
  });
});

describe('choosing a backend', () => {
  test('decides where tensors are made from then on', async () => {
    const [first, second] = [await cpu(), await cpu()];
    setBackend(first);
    const x = zeros([1]);
    setBackend(second);
    expect([x.backend === first, zeros([1]).backend === second, getBackend() === second]).toEqual([true, true, true]);
    expect(x.add(1).backend === first).toBe(true);
  });

  test.each<[string, unknown, string]>([
    ['a promise', Promise.resolve(), 'setBackend: backend is a promise, expected a backend; write `setBackend(await cpu())`'],
    ['nothing', undefined, 'setBackend: backend is undefined, expected a backend; one comes from a factory, as in `setBackend(await cpu())`'],
    ['null', null, 'setBackend: backend is null, expected a backend; one comes from a factory, as in `setBackend(await cpu())`'],
    ['a factory', cpu, 'setBackend: backend is function, expected a backend; one comes from a factory, as in `setBackend(await cpu())`'],
    ['another object', {}, 'setBackend: backend is an object, expected a backend; one comes from a factory, as in `setBackend(await cpu())`'],
  ])('refuses %s', (_, backend, message) => {
    const before = getBackend();
    expect(() => setBackend(backend as Backend)).toThrow(expect.objectContaining({ code: 'ERR_BACKEND', argument: 'backend', message }));
    expect(getBackend() === before).toBe(true);
  });

  test('refuses an incomplete one', async () => {
    const whole = await cpu();
    const part = new Proxy(whole, { get: (target, key) => (key === 'matmul' || key === 'reduce' ? undefined : (Reflect.get(target, key) as unknown)) });
    const message = "setBackend: backend is 'cpu' without reduce, matmul, expected a backend; every method of the Backend interface but compile is required";
    expect(() => setBackend(part)).toThrow(expect.objectContaining({ code: 'ERR_BACKEND', message }));
    expect(() => zeros([1]).to(part)).toThrow(expect.objectContaining({ code: 'ERR_BACKEND', argument: 'target' }));
  });
});
