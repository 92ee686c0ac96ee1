import { cpu } from '@rnn/backend-cpu';
import { answersLater } from '@rnn/conformance/answers-later';
import { beforeAll, expect, test } from 'vitest';
import { moveTo, oneHot, scope, setBackend, tensor, zeros, type Backend } from '../src/index.js';

const later = async (): Promise<Backend> => answersLater(await cpu());

let home: Backend;
beforeAll(async () => {
  home = await cpu();
  setBackend(home);
});

test.each([
  ['to', cpu, later],
  ['from', later, cpu],
  ['between', later, later],
])('tensors move %s backends that answer only later, as the same objects with their gradients', async (_, a, b) => {
  const [from, there] = [await a(), await b()];
  const x = tensor([1, 2, 3], { requiresGrad: true, backend: from });
  const classes = tensor([2, 0], { dtype: 'int32', backend: from });
  scope(() => x.square().sum().backward());
  await moveTo([x, classes, x], there);
  expect(from.memory()).toEqual({ storages: 0, bytes: 0 });
  expect(x.backend).toBe(there);
  expect(x.requiresGrad).toBe(true);
  expect(x.grad?.backend).toBe(there);
  expect(await x.data()).toEqual(Float32Array.of(1, 2, 3));
  expect(await x.grad?.data()).toEqual(Float32Array.of(2, 4, 6));
  expect(await classes.data()).toEqual(Int32Array.of(2, 0));
  // bounds of indices came along: nothing has to be read to check them
  expect(await oneHot(classes, 3).data()).toEqual(Float32Array.of(0, 0, 1, 1, 0, 0));
  for (const each of [x, classes]) each.dispose();
});

test('nothing happens to a tensor that is there, nor to an empty list', async () => {
  const x = tensor([1]);
  const { storage } = x;
  await moveTo([x], home);
  await moveTo([], home);
  expect(x.storage).toBe(storage);
});

test('a tensor that changes while it is waited for stays, with all others', async () => {
  const [from, there] = [answersLater(await cpu()), await cpu()];
  const [x, y] = [zeros([2], { backend: from }), zeros([3], { backend: from, requiresGrad: true })];
  const changes = [
    () => void x.copy_(tensor([5, 6], { backend: from })),
    () => y.sum().backward(),
    () => {
      y.grad?.dispose();
      y.grad = undefined;
    },
    () => x.dispose(),
  ];
  for (const change of changes) {
    const moved = moveTo([x, y], there);
    change();
    await expect(moved).rejects.toThrow(/is another than when its move began.*nothing has moved; await moveTo/);
    expect(y.backend).toBe(from);
    expect(there.memory().storages).toBe(0);
  }
});

test('mistakes are refused before anything is read', async () => {
  const there = await cpu();
  const x = tensor([1], { requiresGrad: true });
  const y = tensor([1], { dtype: 'float64' });
  const float32 = Object.assign(Object.create(there) as Backend, { info: { ...there.info, dtypes: ['float32'] } });
  await expect(moveTo([x.mul(2)], there)).rejects.toThrow(/tensors\[0\] is the result of a recorded operation/);
  await expect(moveTo([x, y], float32)).rejects.toThrow(/moveTo: dtype is float64, expected one of/);
  await expect(moveTo([x], cpu() as never)).rejects.toThrow(/moveTo: backend is a promise/);
  await expect(moveTo([1 as never], there)).rejects.toThrow(/moveTo: tensors\[0\] is 1/);
  expect(x.backend).toBe(home);
});

test('where the new backend has no room, nothing moves and nothing is left', async () => {
  const there = await cpu();
  let room = 1;
  const full = Object.assign(Object.create(there) as Backend, {
    upload: (values: Float32Array) => {
      if (room-- === 0) throw new RangeError('full');
      return there.upload(values);
    },
  });
  const [x, y] = [tensor([1]), tensor([2])];
  await expect(moveTo([x, y], full)).rejects.toThrow('full');
  expect(x.backend).toBe(home);
  expect(there.memory().storages).toBe(0);
});
