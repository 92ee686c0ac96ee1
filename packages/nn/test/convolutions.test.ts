import { cpu } from '@rnn/backend-cpu';
import { gradcheck, manualSeed, ones, randn, setBackend, tensor } from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  BatchNorm1d,
  Conv1d,
  Flatten,
  GELU,
  Identity,
  MultiheadAttention,
  Sequential,
  SiLU,
  Softmax,
} from '../src/index.js';
import { expectClose } from './close.js';
import { checkRefused } from './refused.js';

// Values and gradients of these layers are held to PyTorch's by the reference cases
// of @rnn/conformance, on every backend.
beforeAll(async () => setBackend(await cpu()));

describe('Conv1d', () => {
  it('causal: no output sees what comes after it', () => {
    manualSeed(1);
    const conv = new Conv1d(2, 3, 3, { padding: 'causal', dilation: 2 });
    const x = randn([1, 2, 8]);
    const changed = tensor(x.toArray()).mul(1);
    changed.copy_(x.add(tensor([0, 0, 0, 0, 0, 1, 1, 1])));
    const [a, b] = [conv.forward(x), conv.forward(changed)];
    expect(a.shape).toEqual([1, 3, 8]);
    expectClose(b.slice(-1, 0, 5), a.slice(-1, 0, 5), 0);
    expect(b.slice(-1, 5).sub(a.slice(-1, 5)).abs().amin().item()).toBeGreaterThan(0);
  });

  it('is differentiable twice', () => {
    manualSeed(2);
    const conv = new Conv1d(2, 2, 2, { dtype: 'float64', stride: 2, padding: 1 });
    expect(gradcheck((x) => conv.forward(x), [randn([2, 2, 5], { dtype: 'float64' })])).toBe(true);
  });

  it('draws the weights that PyTorch draws', () => {
    manualSeed(0);
    const { weight, bias } = new Conv1d(2, 2, 2);
    expectClose(
      weight,
      [-0.00374341, 0.2682218, -0.41152257, -0.36796951, -0.19257718, 0.13407868, -0.00990659, 0.39644474],
      1e-7,
    );
    expectClose(bias, [-0.04437202, 0.13230628], 1e-7);
  });

  checkRefused([
    [() => new Conv1d(3, 4, 2, { groups: 2 }), 'Conv1d: groups is 2, expected a number that divides inChannels, 3'],
    [
      () => new Conv1d(3, 4, 2, { padding: 'same', stride: 2 }),
      "Conv1d: padding is 'same', expected a number beside stride 2; give the number of places, or use stride 1",
    ],
    [
      () => new Conv1d(3, 4, 2, { padding: 'full' as never }),
      "Conv1d: padding is 'full', expected 'valid' or 'same' or 'causal'",
    ],
    [
      () => new Conv1d(3, 4, 5).forward(ones([2, 3, 4])),
      'Conv1d: input has shape [2, 3, 4], expected [N, 3, L] or [3, L] with at least 5 places, as far as the kernel reaches',
    ],
    [
      () => new Conv1d(3, 4, 2).forward(ones([2, 4, 3])),
      'Conv1d: input has shape [2, 4, 3], expected [N, 3, L] or [3, L]',
    ],
  ]);
});

describe('BatchNorm1d', () => {
  it('keeps its buffers through the state dict, and moves them', async () => {
    manualSeed(3);
    const norm = new BatchNorm1d(2);
    norm.forward(randn([5, 2]));
    expect(Object.keys(norm.stateDict())).toEqual([
      'weight',
      'bias',
      'running_mean',
      'running_var',
      'num_batches_tracked',
    ]);
    const other = new BatchNorm1d(2).copyFrom(norm).to(await cpu());
    expect(other.num_batches_tracked?.item()).toBe(1);
    const x = randn([3, 2]);
    const result = other.eval().forward(x.to(other.weight?.backend ?? x.backend));
    expectClose(result, norm.eval().forward(x), 0);
  });

  it('leaves nothing behind in training', async () => {
    const backend = await cpu();
    const norm = new BatchNorm1d(2, { backend });
    const x = ones([4, 2], { backend });
    norm.forward(x).dispose();
    const before = backend.memory().storages;
    norm.forward(x).dispose();
    expect(backend.memory().storages).toBe(before);
  });

  it('has a derivative through mean and variance', () => {
    manualSeed(4);
    const norm = new BatchNorm1d(2, { dtype: 'float64', trackRunningStats: false });
    expect(gradcheck((x) => norm.forward(x), [randn([4, 2], { dtype: 'float64' })])).toBe(true);
  });

  checkRefused([
    [
      () => new BatchNorm1d(3).forward(ones([1, 3])),
      'BatchNorm1d: input has shape [1, 3], expected [N, 3] or [N, 3, L] with more than one value for each feature',
    ],
    [() => new BatchNorm1d(3).forward(ones([4, 2])), 'BatchNorm1d: input has shape [4, 2], expected [N, 3]'],
    [() => new BatchNorm1d(3, { momentum: 2 }), 'BatchNorm1d: momentum is 2, expected a number from 0 to 1'],
  ]);

  it('takes a single row in evaluation', () => {
    expect(new BatchNorm1d(3).eval().forward(ones([1, 3])).shape).toEqual([1, 3]);
  });
});

describe('functions as modules', () => {
  it('are the functions', () => {
    manualSeed(5);
    const x = randn([2, 3, 4]);
    expectClose(new GELU().forward(x), x.gelu(), 0);
    expectClose(new GELU({ approximate: 'tanh' }).forward(x), x.gelu({ approximate: 'tanh' }), 0);
    expectClose(new SiLU().forward(x), x.silu(), 0);
    expectClose(new Softmax(1).forward(x), x.softmax(1), 0);
    expectClose(new Softmax().forward(x), x.softmax(-1), 0);
    expect(new Identity().forward(x)).toBe(x);
    expect(new Flatten().forward(x).shape).toEqual([2, 12]);
    expect(new Flatten(0, 1).forward(x).shape).toEqual([6, 4]);
    expect(new Sequential(new Flatten(), new SiLU(), new Identity(), new Softmax(-1)).forward(x).shape).toEqual([
      2, 12,
    ]);
  });
});

describe('MultiheadAttention', () => {
  it('draws the weights that PyTorch draws', () => {
    manualSeed(0);
    const { in_proj_weight, out_proj } = new MultiheadAttention(2, 1);
    expectClose(out_proj.weight, [-0.00529398, 0.37932289, -0.58198076, -0.52038747], 1e-7);
    expectClose(
      (in_proj_weight as NonNullable<typeof in_proj_weight>).slice(0, 0, 2),
      [-0.01715872, 0.68666244, -0.07685459, 0.22916119],
      1e-7,
    );
    manualSeed(0);
    const { v_proj_weight } = new MultiheadAttention(2, 1, { kdim: 3, vdim: 1 });
    expectClose(v_proj_weight, [0.55908841, 0.84856033], 1e-7);
  });
});
