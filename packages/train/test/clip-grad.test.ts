import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, fromData, grad, scope, setBackend, Tensor, tensor, type Backend } from '@rnn/core';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { clipGradNorm, clipGradValue, gradNorm } from '../src/index.js';
import torch from './cases/torch.json' with { type: 'json' };
import { errorOf, referenceCase, toleranceOf } from './reference-case.js';

let backend: Backend;
beforeAll(async () => {
  backend = await cpu();
  setBackend(backend);
});

function paramWith(values: readonly number[] | Float32Array, on: Backend = backend): Tensor {
  const options = { dtype: Array.isArray(values) ? 'float64' : 'float32', backend: on } as const;
  const param = fromData(new Float32Array(values.length), [values.length], { ...options, requiresGrad: true });
  param.grad = fromData(values, [values.length], options);
  return param;
}

const gradOf = (param: Tensor): Tensor => param.grad as Tensor;

describe('reference cases', () => {
  test.each(['1.0', '2.0', 'inf'])('norm of order %s', (kind) => {
    const name = `clip_norm_${kind}`;
    const { config, tensors } = referenceCase(name);
    const params = [paramWith(tensors['grads.a'].data), paramWith(tensors['grads.b'].data)];
    const norm = clipGradNorm(params, config.max_norm as number, {
      normType: kind === 'inf' ? Infinity : Number(kind),
    });
    expect(errorOf(norm.dataSync(), tensors['out.norm'].data)).toBeLessThanOrEqual(toleranceOf(name));
    expect(errorOf(gradOf(params[0]).dataSync(), tensors['out.a'].data)).toBeLessThanOrEqual(toleranceOf(name));
    expect(errorOf(gradOf(params[1]).dataSync(), tensors['out.b'].data)).toBeLessThanOrEqual(toleranceOf(name));
  });
});

describe('PyTorch with other arguments', () => {
  test.each(torch.clips.filter(({ maxNorm }) => maxNorm !== undefined))(
    'norm of order $normType, at most $maxNorm',
    ({ grads, out, norm, maxNorm = 0, normType = 2 }) => {
      const params = grads.map((values) => paramWith(values));
      const order = normType === 'inf' ? Infinity : (normType as number);
      const found = clipGradNorm(params, maxNorm, { normType: order });
      expect(found.shape).toEqual([]);
      expect(errorOf(found.dataSync(), [norm as number])).toBeLessThan(1e-14);
      params.forEach((param, i) => expect(errorOf(gradOf(param).dataSync(), out[i])).toBeLessThan(1e-14));
    },
  );

  test('values', () => {
    for (const { grads, out, clipValue } of torch.clips) {
      if (clipValue === undefined) continue;
      const params = grads.map((values) => paramWith(values));
      clipGradValue(params, clipValue);
      expect(params.map((param) => [...gradOf(param).dataSync()])).toEqual(out);
    }
  });
});

describe('clipGradNorm', () => {
  test('reads nothing from the device', () => {
    const read = vi.spyOn(backend, 'read');
    const readSync = vi.spyOn(Tensor.prototype, 'dataSync');
    clipGradNorm([paramWith([3]), paramWith([4])], 1);
    expect([read.mock.calls.length, readSync.mock.calls.length]).toEqual([0, 0]);
    vi.restoreAllMocks();
  });

  test('takes one tensor, passes over parameters without a gradient, and leaves no temporaries', async () => {
    const own = await cpu();
    const param = paramWith([3, 4], own);
    const other = tensor([1], { requiresGrad: true, backend: own });
    expect(clipGradNorm(param, 10).item()).toBe(5);
    const before = own.memory();
    scope(() => {
      expect(clipGradNorm([other, param], 1).item()).toBeCloseTo(5, 6);
      expect(clipGradNorm([other], 1).item()).toBe(0);
    });
    clipGradValue([other, param], 0.1);
    expect(own.memory()).toEqual(before);
    expect(other.grad).toBeUndefined();
    expect(gradOf(param).toArray()).toEqual([0.1, 0.1]);
  });

  test('makes the norm at most maxNorm, and leaves smaller gradients bit for bit', () => {
    const param = paramWith([0.1, -0.7, 0.3]);
    const before = gradOf(param).toArray();
    clipGradNorm([param], 1);
    expect(gradOf(param).toArray()).toEqual(before);
    clipGradNorm([param], 0.5);
    expect(gradNorm([param]).item()).toBeLessThanOrEqual(0.5);
    expect(gradNorm([param]).item()).toBeGreaterThan(0.499);
  });

  test('lets NaN and infinity through as PyTorch does', () => {
    const [a, b] = [paramWith([1, Infinity]), paramWith([2])];
    expect(clipGradNorm([a, b], 1).item()).toBe(Infinity);
    expect(gradOf(a).toArray()).toEqual([0, NaN]);
    expect(gradOf(b).toArray()).toEqual([0]);
    expect(clipGradNorm([a, b], 1).item()).toBeNaN();
    expect(gradOf(b).toArray()).toEqual([NaN]);
  });

  test('refuses a norm that is not finite where asked to, with the gradients as they were', () => {
    const a = paramWith([1, Infinity]);
    expect(() => clipGradNorm([a], 1, { errorIfNonfinite: true })).toThrow(
      'clipGradNorm: params has a gradient norm of order 2 that is Infinity, expected finite gradients; leave out errorIfNonfinite to scale them by it anyway',
    );
    expect(gradOf(a).toArray()).toEqual([1, Infinity]);
  });

  test('spans two backends and two types', async () => {
    const far = await cpu();
    const [a, b] = [paramWith([3]), paramWith(Float32Array.of(4), far)];
    const norm = clipGradNorm([a, b], 1);
    expect([norm.backend, norm.item()]).toEqual([backend, 5]);
    expect(gradOf(a).item()).toBeCloseTo(0.6, 6);
    expect([gradOf(b).backend, gradOf(b).dtype]).toEqual([far, 'float32']);
    expect(gradOf(b).item()).toBeCloseTo(0.8, 6);
  });

  test('works on gradients that were recorded themselves', () => {
    const x = tensor([3], { requiresGrad: true });
    x.square().sum().backward(undefined, { createGraph: true });
    expect(gradOf(x).isLeaf).toBe(false);
    clipGradNorm([x], 1);
    expect(gradOf(x).item()).toBeCloseTo(1, 6);
    const [first] = grad(x.square().sum(), [x]);
    expect(first.item()).toBe(6);
  });

  test('names wrong arguments', () => {
    const a = paramWith([1]);
    const wrong: [() => unknown, string][] = [
      [() => clipGradNorm([a], -1), 'clipGradNorm: maxNorm is -1, expected a finite number from 0 up'],
      [() => clipGradNorm([a], NaN), 'clipGradNorm: maxNorm is NaN, expected a finite number from 0 up'],
      [
        () => clipGradNorm([a], 1, { normType: 0 }),
        'clipGradNorm: normType is 0, expected a number above 0, or Infinity',
      ],
      [() => gradNorm([a], { normType: NaN }), 'gradNorm: normType is NaN, expected a number above 0, or Infinity'],
      [
        () => clipGradNorm([a, 1 as unknown as Tensor], 1),
        'clipGradNorm: params[1] is 1, expected a Tensor; make one with tensor(...)',
      ],
      [() => clipGradValue([a], -1), 'clipGradValue: clipValue is -1, expected a finite number from 0 up'],
    ];
    for (const [run, message] of wrong) {
      expect(run).toThrow(ArgumentError);
      expect(run).toThrow(message);
    }
  });
});
