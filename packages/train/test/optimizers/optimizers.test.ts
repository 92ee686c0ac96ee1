import { cpu } from '@rnn/backend-cpu';
import { fromData, setBackend, type DType, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  Adagrad,
  Adam,
  AdamW,
  RMSprop,
  SGD,
  type Optimizer,
  type OptimizerOptions,
  type Params,
} from '../../src/index.js';
import torch from '../cases/torch.json' with { type: 'json' };
import { camelCase, errorOf, referenceCase, toleranceOf } from '../reference-case.js';

beforeAll(async () => {
  setBackend(await cpu());
});

type Make = new (params: Params<OptimizerOptions>, options: Record<string, unknown>) => Optimizer;
const classes = { SGD, Adam, AdamW, RMSprop, Adagrad } as unknown as Readonly<Record<string, Make>>;

function parameter(data: Float32Array | readonly number[], shape: readonly number[], dtype: DType): Tensor {
  return fromData(data, shape, { dtype, requiresGrad: true });
}

const names = ['adagrad', 'adam', 'adam_amsgrad', 'adam_weight_decay', 'adamw', 'rmsprop', 'rmsprop_centered_momentum'];

describe('every step of the reference cases', () => {
  test.each([...names, 'sgd', 'sgd_momentum', 'sgd_nesterov'])('%s', (name) => {
    const { config, tensors } = referenceCase(`optim_${name}`);
    const { optimizer: kind, ...options } = config;
    const params = ['a', 'b'].map((key) => {
      const { data, shape } = tensors[`param0.${key}`];
      return parameter(data, shape, 'float32');
    });
    const optimizer = new classes[kind as string](params, camelCase(options));
    const [steps] = tensors['grads.a'].shape;
    const rows = (key: string, t: number, size: number): Float32Array =>
      tensors[key].data.subarray(t * size, (t + 1) * size);
    for (let t = 0; t < steps; t++) {
      params.forEach((param, i) => (param.grad = fromData(rows(`grads.${'ab'[i]}`, t, param.size), param.shape)));
      optimizer.step();
      optimizer.zeroGrad();
      params.forEach((param, i) => {
        const error = errorOf(param.dataSync(), rows(`out.${'ab'[i]}`, t, param.size));
        expect(error, `step ${t + 1} of ${'ab'[i]}`).toBeLessThanOrEqual(toleranceOf(`optim_${name}`));
      });
    }
    expect(steps).toBe(10);
  });
});

describe.each([
  ['float64', 1e-14],
  ['float32', 1e-6],
] as const)('every step of PyTorch with other options, %s', (dtype, tolerance) => {
  test.each(torch.optimisers)('$name', ({ optimizer: kind, options, changes, params: start, grads, out }) => {
    const params = [parameter(start[0], [2, 3], dtype), parameter(start[1], [4], dtype)];
    const optimizer = new classes[kind](params, camelCase(options));
    grads.forEach((pair, t) => {
      Object.assign(optimizer.paramGroups[0], camelCase((changes as Record<string, Record<string, number>>)[t] ?? {}));
      params.forEach((param, i) => {
        const grad = pair[i];
        if (grad !== null) param.grad = fromData(grad, param.shape, { dtype });
      });
      optimizer.step();
      optimizer.zeroGrad();
      params.forEach((param, i) => {
        expect(errorOf(param.dataSync(), out[t][i]), `step ${t + 1} of parameter ${i}`).toBeLessThanOrEqual(tolerance);
      });
    });
  });
});

describe('defaults', () => {
  test("are PyTorch's", () => {
    const params = (): Tensor[] => [parameter([1], [1], 'float32')];
    expect(new SGD(params()).defaults).toEqual({
      lr: 1e-3,
      momentum: 0,
      dampening: 0,
      weightDecay: 0,
      nesterov: false,
      maximize: false,
    });
    const adam = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, amsgrad: false, maximize: false };
    expect(new Adam(params()).defaults).toEqual({ ...adam, weightDecay: 0 });
    expect(new AdamW(params()).defaults).toEqual({ ...adam, weightDecay: 0.01 });
    expect(new RMSprop(params()).defaults).toEqual({
      lr: 1e-2,
      alpha: 0.99,
      eps: 1e-8,
      weightDecay: 0,
      momentum: 0,
      centered: false,
      maximize: false,
    });
    expect(new Adagrad(params()).defaults).toEqual({
      lr: 1e-2,
      lrDecay: 0,
      weightDecay: 0,
      initialAccumulatorValue: 0,
      eps: 1e-10,
      maximize: false,
    });
  });
});

describe('special gradients', () => {
  const step = (make: (params: Tensor[]) => Optimizer, grad: number): number => {
    const param = parameter([2], [1], 'float32');
    param.grad = fromData([grad], [1]);
    make([param]).step();
    return param.item();
  };

  test('a gradient of 0 moves nothing, also where a denominator is 0', () => {
    expect(step((params) => new Adam(params), 0)).toBe(2);
    expect(step((params) => new RMSprop(params), 0)).toBe(2);
    expect(step((params) => new Adagrad(params), 0)).toBe(2);
    expect(step((params) => new Adam(params, { eps: 0 }), 0)).toBeNaN(); // 0 / 0, as in PyTorch
  });

  test('NaN and infinity go through', () => {
    expect(step((params) => new SGD(params), NaN)).toBeNaN();
    expect(step((params) => new SGD(params), Infinity)).toBe(-Infinity);
    expect(step((params) => new Adam(params), Infinity)).toBeNaN(); // Infinity / Infinity
  });
});
