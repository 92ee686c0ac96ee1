/** int32 on a device that stores float32. */
import { BackendError, tensor, type Tensor } from '@rnn/core';
import { expect } from 'vitest';
import type { GpuBackend } from '../src/index.js';

const LIMIT = 2 ** 24 - 1;

async function expectRefusal(compute: () => Tensor): Promise<void> {
  const data = async (): Promise<unknown> => compute().data();
  await expect(data).rejects.toThrow(BackendError);
  await expect(data).rejects.toThrow(/int32.*beyond ±16777215.*another backend/);
}

/** An int32 result is right, or refused when it is read. */
export async function expectWholeNumbers(backend: GpuBackend): Promise<void> {
  const whole = (values: number[]): Tensor => tensor(values, { backend, dtype: 'int32' });
  const x = whole([LIMIT, -LIMIT, 4096, 5]);
  expect(Array.from(await x.neg().abs().sub(1).add(1).data())).toEqual([LIMIT, LIMIT, 4096, 5]);
  expect(Array.from(await x.slice(0, 2).mul(4095).data())).toEqual([4096 * 4095, 5 * 4095]);
  // 16777216 + 1 is 16777216 in float32
  await expectRefusal(() => x.add(1));
  await expectRefusal(() => x.add(1).add(1));
  await expectRefusal(() => x.sub(1));
  await expectRefusal(() => x.mul(4097));
  await expectRefusal(() => x.square());
  // what a number that is not known decides is not known either
  const unknown = x.add(1);
  for (const use of [
    (): Tensor => unknown.eq(5),
    (): Tensor => unknown.sub(unknown),
    (): Tensor => unknown.mul(0),
    (): Tensor => unknown.abs(),
    (): Tensor => unknown.neg(),
    (): Tensor => unknown.sign(),
    (): Tensor => unknown.relu(),
    (): Tensor => unknown.maximum(whole([LIMIT, LIMIT, LIMIT, LIMIT])),
    (): Tensor => unknown.argmax(0),
    (): Tensor => unknown.amax(0),
    (): Tensor => unknown.flip([0]),
  ]) {
    await expectRefusal(use);
  }
  expect(Array.from(await unknown.to('float32').data())).toEqual([NaN, 1 - LIMIT, 4097, 6]);
  // sums through numbers beyond the limit are right when they end within it
  const storages = [
    Int32Array.from({ length: 10_000 }, (_, i) => (i < 5000 ? LIMIT : -LIMIT)),
    Int32Array.of(LIMIT, 1),
  ];
  const [balanced, over] = storages.map((values) => {
    const source = backend.upload(values);
    const result = backend.reduce('sum', source, 1, values.length, 1);
    backend.release(source);
    return result;
  });
  expect(await backend.read(balanced)).toEqual(Int32Array.of(0));
  await expect(async () => backend.read(over)).rejects.toThrow(/beyond ±16777215/);
  for (const storage of [balanced, over]) backend.release(storage);
}

/**
 * A float32 number becomes the whole number without its fraction, the nearest that there is, or 0
 * for a NaN.
 */
export async function expectConversions(backend: GpuBackend): Promise<void> {
  const x = tensor(
    [1.9, -1.9, -0.5, NaN, Infinity, -Infinity, 3e9, -3e9, 2 ** 31, -(2 ** 31), 2147483520, 2 ** 24 + 2],
    { backend },
  );
  const y = x.to('int32');
  const [most, least] = [2 ** 31 - 1, -(2 ** 31)];
  const expected = [1, -1, 0, 0, most, least, most, least, most, least, 2147483520, 2 ** 24 + 2];
  expect(await y.data()).toEqual(Int32Array.from(expected));
  // moved, they stay what they are
  expect(await y.flip([0]).data()).toEqual(Int32Array.from(expected.toReversed()));
  expect(await y.to('float32').data()).toEqual(Float32Array.from(expected));
  await expectRefusal(() => y.neg());
  await expectRefusal(() => y.add(y.neg()));
}
