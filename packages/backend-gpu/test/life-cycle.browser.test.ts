/**
 * Memory, counted by the browser's own calls, loss of the device, and what of the kernels shows on
 * a device alone.
 */
import { DeviceLostError, manualSeed, randn, scope, tensor, type Backend } from '@rnn/core';
import { LSTM, Linear, RNN, mseLoss } from '@rnn/nn';
import { Adam, clipGradNorm, SGD } from '@rnn/train';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Device } from '../src/device.js';
import { startEngine } from '../src/engine.js';
import { gpu } from '../src/index.js';
import { infoOf } from '../src/info.js';
import { probe } from '../src/kernels/probe.js';
import { expectAccuracy } from './accuracy-cases.js';
import { expectedSharing, shareDevice } from './device-sharing.js';
import { expectArgmax } from './reduce-cases.js';
import { expectSpecialValues, expectSubnormals } from './special-cases.js';
import { expectConversions, expectWholeNumbers } from './whole-number-cases.js';

/** Textures and buffers that exist, by the calls that make and delete them. */
let alive = 0;

afterEach(() => {
  vi.restoreAllMocks();
});

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Counts calls of a method of the browser's. */
function count(prototype: object, name: string, change: number): void {
  const methods = prototype as Record<string, Method>;
  const original = methods[name];
  vi.spyOn(methods, name).mockImplementation(function (this: unknown, ...args: unknown[]) {
    alive += change;
    return original.apply(this, args);
  });
}

function countDeviceMemory(mode: 'webgl2' | 'webgpu'): void {
  alive = 0;
  if (mode === 'webgl2') {
    count(WebGL2RenderingContext.prototype, 'createTexture', 1);
    count(WebGL2RenderingContext.prototype, 'deleteTexture', -1);
  } else {
    const scope = globalThis as unknown as Record<'GPUDevice' | 'GPUBuffer', { prototype: object }>;
    count(scope.GPUDevice.prototype, 'createBuffer', 1);
    count(scope.GPUBuffer.prototype, 'destroy', -1);
  }
}

/** A training that never reads back. */
interface Trainer {
  readonly step: () => void;
  readonly dispose: () => void;
}

/** The least that is a training of a recurrent network, for many steps. */
function smallTrainer(backend: Backend): Trainer {
  manualSeed(1);
  const layer = new RNN(1, 1, { bias: false, backend });
  const optimizer = new SGD(layer.parameters(), { lr: 0.01 });
  const [x, y] = [randn([2, 1, 1], { backend }), randn([2, 1, 1], { backend })];
  return {
    step: () =>
      scope(() => {
        optimizer.zeroGrad();
        mseLoss(layer.forward(x)[0], y).backward();
        optimizer.step();
      }),
    dispose: () => {
      for (const each of [optimizer, layer, x, y]) each.dispose();
    },
  };
}

function trainer(backend: Backend): Trainer {
  manualSeed(1);
  const layer = new LSTM(2, 3, { backend });
  const head = new Linear(3, 1, { backend });
  const parameters = [...layer.parameters(), ...head.parameters()];
  const optimizer = new Adam(parameters, { lr: 0.01 });
  const x = randn([3, 2, 2], { backend });
  const y = randn([2, 1], { backend });
  return {
    step: () =>
      scope(() => {
        optimizer.zeroGrad();
        const [output] = layer.forward(x);
        mseLoss(head.forward(output.select(0, -1)), y).backward();
        clipGradNorm(parameters, 1);
        optimizer.step();
      }),
    dispose: () => {
      for (const each of [optimizer, layer, head, x, y]) each.dispose();
    },
  };
}

describe.each(['webgl2', 'webgpu'] as const)('%s', (mode) => {
  test('says what really runs', async () => {
    const backend = await gpu({ mode });
    const { info } = backend;
    expect(info.device).toContain(mode);
    expect(info.device.toLowerCase()).toContain('swiftshader');
    expect(info.synchronous).toBe(mode === 'webgl2');
    expect(info.notes.join()).toContain('16777216');
    await backend.dispose();
  });

  test.each([
    ['100 steps of an LSTM with Adam and clipping', trainer, 100],
    // What one step in a thousand left behind would show.
    ['2,000 steps of an RNN of one unit with SGD', smallTrainer, 2_000],
  ] as const)('%s leave the count of textures and buffers as it was', { timeout: 600_000 }, async (_, make, steps) => {
    countDeviceMemory(mode);
    const backend = await gpu({ mode });
    const { step, dispose } = make(backend);
    const settled = async (): Promise<number> => {
      const probe = tensor([1], { backend });
      await probe.data();
      probe.dispose();
      return alive;
    };
    for (let i = 0; i < 10; i++) step();
    // The probe is one more storage, and finds a free buffer or not: counted from the second on.
    await settled();
    for (let i = 0; i < 10; i++) step();
    const before = await settled();
    const { storages } = backend.memory();
    let most = before;
    for (let i = 1; i <= steps; i++) {
      step();
      if (i % 50 === 0) most = Math.max(most, await settled());
    }
    expect([await settled(), most]).toEqual([before, before]);
    expect(backend.memory().storages).toBe(storages);
    dispose();
    expect(backend.memory()).toEqual({ storages: 0, bytes: 0 });
    await backend.dispose();
  });

  test('argmax of long lines is the first place of the largest value or of a NaN', async () => {
    const backend = await gpu({ mode });
    await expectArgmax(backend, 20);
    await backend.dispose();
  });

  test('-0 is told from 0 where a number is the same but for that as the one before', async () => {
    const backend = await gpu({ mode });
    for (const value of [0, -0, 0, -0, -0]) {
      const storage = backend.fill(value, 2, 'float32');
      expect(await backend.read(storage)).toEqual(Float32Array.of(value, value));
      backend.release(storage);
    }
    await backend.dispose();
  });

  test('a tensor too large is refused with the limit', async () => {
    const backend = await gpu({ mode });
    expect(() => backend.fill(1, 2 ** 24 + 1, 'float32')).toThrow(/at most 16777216 are possible/);
    await backend.dispose();
  });

  test.each([
    ['int32 results are right or refused', expectWholeNumbers],
    ['float32 becomes the nearest int32', expectConversions],
    ['special values are those of PyTorch', expectSpecialValues],
    ['subnormal numbers are what the info says', expectSubnormals],
    ['the errors are those of the README', expectAccuracy],
  ])('%s', { timeout: 240_000 }, async (__, check) => {
    const backend = await gpu({ mode });
    await check(backend);
    await backend.dispose();
  });

  test('sums that lose what compensates them are noticed', async () => {
    const backend = await gpu({ mode });
    expect(backend.info.bound?.tolerance).toBe(2.5e-6);
    await backend.dispose();
    const device = await Device.start(await startEngine(mode));
    const kernel: Device['kernel'] = (key, source) =>
      device.kernel(key, () => {
        const { body, ...rest } = source();
        return { ...rest, body: body.replace(/sc \+= [^;]*;/, '') };
      });
    const arithmetic = await probe(Object.assign(Object.create(device) as Device, { kernel }));
    expect(arithmetic.compensatesSums).toBe(false);
    const { bound } = infoOf(device, arithmetic);
    expect(bound?.tolerance).toBe(5e-4);
    expect(bound?.reason).toContain('plain float32');
    await device.dispose();
  });

  test('a lost device is an error, and a new backend takes the model from its state dict', async () => {
    const lost = await gpu({ mode });
    const model = new Linear(3, 2, { backend: lost });
    const x = tensor([[1, 2, 3]], { backend: lost });
    const expected = await model.forward(x).data();
    const state = Object.fromEntries(
      await Promise.all(
        Object.entries(model.stateDict()).map(
          async ([name, value]) => [name, [value.shape, await value.data()]] as const,
        ),
      ),
    );
    await loseDevice(lost, mode);
    await expect(async () => x.add(1).data()).rejects.toThrow(DeviceLostError);

    const backend = await gpu({ mode });
    const fresh = new Linear(3, 2, { backend });
    fresh.loadStateDict(
      Object.fromEntries(
        Object.entries(state).map(([name, [shape, data]]) => [
          name,
          tensor(Array.from(data), { backend }).reshape(shape),
        ]),
      ),
    );
    const there = tensor([[1, 2, 3]], { backend });
    expect(Array.from(await fresh.forward(there).data())).toEqual(Array.from(expected));
    await lost.dispose();
    await backend.dispose();
  });
});

/** Takes the device away, as a driver that restarts does. */
async function loseDevice(backend: Backend, mode: 'webgl2' | 'webgpu'): Promise<void> {
  // gpu.js shows the context of a kernel only, and the kernels of an instance
  const { device } = backend as unknown as { device: { engine: { gpu: { kernels: { context: object }[] } } } };
  const [{ context }] = device.engine.gpu.kernels;
  if (mode === 'webgl2') (context as WebGL2RenderingContext).getExtension('WEBGL_lose_context')?.loseContext();
  else (context as { device: { destroy(): void } }).device.destroy();
  await new Promise((resolve) => setTimeout(resolve, 10));
}

test('webgpu backends share a device, and the last one destroys it', async () => {
  await expect(shareDevice()).resolves.toEqual(expectedSharing);
});

test('webgpu does not answer at once', async () => {
  const backend = await gpu({ mode: 'webgpu' });
  const x = tensor([1], { backend });
  const y = x.add(1);
  expect(() => y.dataSync()).toThrow(/await t\.data\(\)/);
  expect(await y.data()).toEqual(Float32Array.of(2));
  // what was read once can be moved
  const other = await gpu({ mode: 'webgl2' });
  expect(y.to(other).mul(3).dataSync()).toEqual(Float32Array.of(6));
  await other.dispose();
  await backend.dispose();
});
