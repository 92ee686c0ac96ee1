import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, gradcheck, manualSeed, ones, randn, setBackend, tensor, zeros, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  bceWithLogits,
  BCEWithLogitsLoss,
  crossEntropy,
  CrossEntropyLoss,
  huberLoss,
  HuberLoss,
  l1Loss,
  L1Loss,
  mseLoss,
  MSELoss,
  nllLoss,
  NLLLoss,
  smoothL1Loss,
  SmoothL1Loss,
  type LossOptions,
} from '../src/index.js';
import { expectClose } from './close.js';
import { checkRefused } from './refused.js';

beforeAll(async () => setBackend(await cpu()));

const int = (values: Parameters<typeof tensor>[0]): Tensor => tensor(values, { dtype: 'int32' });
const f64 = { dtype: 'float64' } as const;

describe('losses over classes: the numbers of PyTorch 2.15', () => {
  const x = (): Tensor =>
    tensor([
      [1, 2, -1],
      [0.5, -2, 3],
      [0, 1, 1],
    ]);
  const target = (): Tensor => int([0, -100, 2]);
  const weight = (): Tensor => tensor([1, 2, 0.5]);
  const labelSmoothing = 0.2;

  it('weights, an ignored target and label smoothing together', () => {
    expectClose(crossEntropy(x(), target(), { weight: weight(), labelSmoothing }), [1.293272852897644]);
    expectClose(crossEntropy(x(), target(), { labelSmoothing }), [1.1721701622009277]);
    expectClose(
      crossEntropy(x(), target(), { weight: weight(), labelSmoothing, reduction: 'sum' }),
      [1.9399092197418213],
    );
    expectClose(
      crossEntropy(x(), target(), { weight: weight(), labelSmoothing, reduction: 'none' }),
      [1.3273124694824219, 0, 0.6125967502593994],
    );
  });

  it('probabilities as a target', () => {
    const p = tensor([
      [0.5, 0.3, 0.2],
      [0, 1, 0],
      [0.1, 0.1, 0.8],
    ]);
    expectClose(crossEntropy(x(), p, { weight: weight(), labelSmoothing }), [3.681004762649536]);
    expectClose(crossEntropy(x(), p), [2.498701333999634]);
    expectClose(
      crossEntropy(x(), p, { reduction: 'none' }),
      [1.4490121603012085, 5.085097312927246, 0.9619948267936707],
    );
  });

  it('classes in dimension 1 with others behind, or last, or alone', () => {
    const y = tensor(Array.from({ length: 24 }, (_, i) => Math.sin(i))).reshape([2, 3, 4]);
    const t = int([
      [0, 1, 2, 1],
      [2, 2, 0, -100],
    ]);
    const each = [
      1.4251958131790161, 2.3971219062805176, 1.8840656280517578, 0.5809285640716553, 0.42893558740615845,
      0.6015685200691223, 0.43393558263778687, 0,
    ];
    expectClose(crossEntropy(y, t), [1.1073930263519287]);
    const none = crossEntropy(y, t, { reduction: 'none' });
    expect(none.shape).toEqual([2, 4]);
    expectClose(none, each);
    expectClose(crossEntropy(y.transpose(1, 2), t, { classDim: -1, reduction: 'none' }), each);
    expectClose(nllLoss(y.logSoftmax(1), t, { weight: weight() }), [1.2363356351852417]);
    expectClose(crossEntropy(tensor([1, 2, 3]), int(2)), [0.40760594606399536]);
  });

  it('is NaN where no target counts, as in PyTorch', () => {
    expect(crossEntropy(x(), int([-100, -100, -100])).item()).toBeNaN();
    expect(crossEntropy(x(), int([7, 7, 7]), { ignoreIndex: 7, reduction: 'sum' }).item()).toBe(0);
  });

  it('has right gradients', () => {
    const options = { weight: tensor([1, 2, 0.5], f64), labelSmoothing };
    expect(gradcheck((logits) => crossEntropy(logits, target(), options), [randn([3, 3], f64)])).toBe(true);
    expect(gradcheck((logits, p) => crossEntropy(logits, p, options), [randn([3, 3], f64), randn([3, 3], f64)])).toBe(
      true,
    );
    expect(gradcheck((logs) => nllLoss(logs, target(), { weight: options.weight }), [randn([3, 3], f64)])).toBe(true);
  });
});

describe('losses over numbers: the numbers of PyTorch 2.15', () => {
  const d = (): Tensor => tensor([0.1, -0.5, 2, -3]);
  const none = { reduction: 'none' } as const;

  it('smooth L1 and Huber', () => {
    expectClose(smoothL1Loss(d(), zeros([4]), { beta: 0.5, ...none }), [0.01, 0.25, 1.75, 2.75]);
    expectClose(smoothL1Loss(d(), zeros([4]), { beta: 0, ...none }), [0.1, 0.5, 2, 3]);
    expectClose(huberLoss(d(), zeros([4]), { delta: 1.5, ...none }), [0.005, 0.125, 1.875, 3.375]);
  });

  it('binary cross entropy with weights of elements and of positives', () => {
    const options = { posWeight: tensor([2, 0.5]), weight: tensor([[1], [3]]) };
    expectClose(
      bceWithLogits(
        tensor([
          [0.5, -1],
          [2, 30],
        ]),
        tensor([
          [1, 0],
          [1, 0.25],
        ]),
        options,
      ),
      [17.380746841430664],
    );
    expectClose(bceWithLogits(tensor([1000, -1000]), tensor([1, 0])), [0]);
  });

  it('have right gradients, at the bends as well', () => {
    const input = (): Tensor => tensor([0.3, -0.7, 1.9, -4], f64);
    const target = zeros([4], f64);
    for (const loss of [mseLoss, l1Loss, smoothL1Loss, huberLoss]) {
      expect(gradcheck((x) => loss(x, target), [input()])).toBe(true);
    }
    const posWeight = tensor([2, 1, 0.5, 3], f64);
    expect(gradcheck((x, y) => bceWithLogits(x, y, { posWeight }), [input(), tensor([0, 1, 0.5, 1], f64)])).toBe(true);
    const bend = tensor([1, -1, 0], { requiresGrad: true });
    huberLoss(bend, zeros([3]), { reduction: 'sum' }).backward();
    expectClose(bend.grad, [1, -1, 0]);
  });
});

describe('lengths', () => {
  const lengths = [3, 0, 2];
  /** [T, B], 1 within the lengths. */
  const marks = (): Tensor => tensor(Array.from({ length: 4 }, (_, t) => lengths.map((length) => Number(t < length))));
  const losses: [string, (x: Tensor, y: Tensor, options?: LossOptions) => Tensor][] = [
    ['mseLoss', mseLoss],
    ['l1Loss', l1Loss],
    ['smoothL1Loss', smoothL1Loss],
    ['huberLoss', huberLoss],
    ['bceWithLogits', (x, y, options) => bceWithLogits(x, y, { ...options, posWeight: tensor([2, 0.5]) })],
  ];

  it.each(losses)('%s counts the steps within them alone', (_, loss) => {
    manualSeed(1);
    const [x, y] = [randn([4, 3, 2], { requiresGrad: true }), randn([4, 3, 2])];
    const all = loss(x, y, { reduction: 'none' }).mul(marks().unsqueeze(2));
    expectClose(loss(x, y, { reduction: 'none', lengths }), all);
    expectClose(loss(x, y, { reduction: 'sum', lengths }), all.sum());
    const mean = loss(x, y, { lengths });
    expectClose(mean, all.sum().div(10));
    expectClose(loss(x.transpose(0, 1), y.transpose(0, 1), { lengths, batchFirst: true }), mean);
    mean.backward();
    const clean = x.grad as Tensor;
    expectClose(clean.mul(tensor(1).sub(marks()).unsqueeze(2)), new Float32Array(24), 0);

    const padded = (t: Tensor): Tensor => t.detach().where(marks().unsqueeze(2), NaN);
    const dirty = padded(x);
    dirty.requiresGrad = true;
    const same = loss(dirty, padded(y), { lengths });
    expectClose(same, mean, 0);
    same.backward();
    expectClose(dirty.grad, clean, 0);
  });

  it('of classes: logits [T, B, C], padded targets may be anything', () => {
    manualSeed(2);
    const x = randn([4, 3, 5], { requiresGrad: true });
    const target = int([
      [0, 9, 1],
      [4, 9, -100],
      [2, 9, 9],
      [9, 9, 9],
    ]);
    const rows = [
      [0, 0],
      [1, 0],
      [2, 0],
      [0, 2],
    ] as const;
    const picked = rows.map(([t, b]) => x.select(0, t).select(0, b));
    const classes = [0, 4, 2, 1];
    const weight = tensor([1, 2, 3, 4, 5]);
    for (const options of [{}, { weight, labelSmoothing: 0.1 }]) {
      const each = picked.map((logits, i) => crossEntropy(logits, int(classes[i]), { ...options, reduction: 'sum' }));
      const sum = each.reduce((a, b) => a.add(b));
      expectClose(crossEntropy(x, target, { ...options, lengths, reduction: 'sum' }), sum);
      const divisor = 'weight' in options ? 1 + 5 + 3 + 2 : 4;
      expectClose(crossEntropy(x, target, { ...options, lengths }), sum.div(divisor));
      expectClose(crossEntropy(x.permute([0, 2, 1]), target, { ...options, lengths, classDim: 1 }), sum.div(divisor));
      expectClose(
        crossEntropy(x.transpose(0, 1), target.transpose(0, 1), { ...options, lengths, batchFirst: true }),
        sum.div(divisor),
      );
      expectClose(
        nllLoss(x.logSoftmax(-1), target, { lengths, reduction: 'sum' }),
        picked.map((logits, i) => crossEntropy(logits, int(classes[i]))).reduce((a, b) => a.add(b)),
      );
    }
    const none = crossEntropy(x, target, { lengths, reduction: 'none' });
    expect(none.shape).toEqual([4, 3]);
    expect(none.select(1, 1).abs().sum().item()).toBe(0);
  });

  it('of classes: the dimension of the classes never depends on lengths', () => {
    manualSeed(7);
    const x = randn([5, 4, 4]);
    const target = int(Array.from({ length: 5 }, (_, t) => [t % 4, 1, 2, 3]));
    const full = [5, 5, 5, 5];
    const soft = x.softmax(1);
    for (const loss of [crossEntropy, nllLoss] as const) {
      // What dimension 1 means is PyTorch's business: [N, C, d1] and [N, d1].
      expectClose(loss(x, target, { lengths: full, classDim: 1 }), loss(x, target));
      expectClose(loss(x, target, { lengths: full, classDim: -1 }), loss(x.transpose(1, 2), target));
      expect(() => loss(x, target, { lengths: full })).toThrow(ArgumentError);
      expect(() => loss(x, target, { lengths: full })).toThrow(
        /classDim is left out, and with lengths .* \[5, 4, 4\] for a target \[5, 4\] may be in dimension 1 or 2, .* write classDim: -1/,
      );
    }
    expect(() => crossEntropy(x, soft, { lengths: full })).toThrow(/write classDim: -1 for \[T, B, C\]/);
    expect(() => new CrossEntropyLoss().forward(x, target, { lengths: full })).toThrow(/write classDim: -1/);
    expect(() => new NLLLoss().forward(x, target, { lengths: full })).toThrow(/write classDim: -1/);
    // Where only one dimension fits, it is the one.
    const narrow = x.narrow(2, 0, 3);
    expectClose(
      crossEntropy(narrow, target.narrow(1, 0, 3), { lengths: [5, 5, 5] }),
      crossEntropy(narrow, target.narrow(1, 0, 3)),
    );
    const inRange = int(Array.from({ length: 5 }, (_, t) => [t % 3, 1, 2, 0]));
    expectClose(crossEntropy(narrow, inRange, { lengths: full }), crossEntropy(narrow.transpose(1, 2), inRange));
  });

  it('of probabilities', () => {
    const x = randn([4, 3, 5]);
    const p = randn([4, 3, 5]).softmax(-1);
    const each = crossEntropy(x, p, { classDim: -1, reduction: 'none' }).mul(marks());
    expectClose(crossEntropy(x, p, { lengths, classDim: -1 }), each.sum().div(5));
  });
});

it('modules give what functions give, and their weights move and are saved', () => {
  const [x, y] = [randn([4, 3]), randn([4, 3])];
  expectClose(new MSELoss({ reduction: 'sum' }).forward(x, y), mseLoss(x, y, { reduction: 'sum' }), 0);
  expectClose(new L1Loss().forward(x, y, { lengths: [4, 2, 1] }), l1Loss(x, y, { lengths: [4, 2, 1] }), 0);
  expectClose(new SmoothL1Loss({ beta: 0.3 }).forward(x, y), smoothL1Loss(x, y, { beta: 0.3 }), 0);
  expectClose(new HuberLoss({ delta: 0.3 }).forward(x, y), huberLoss(x, y, { delta: 0.3 }), 0);
  const [weight, posWeight] = [tensor([1, 2, 3]), tensor([0.5, 1, 2])];
  expectClose(
    new BCEWithLogitsLoss({ weight, posWeight }).forward(x, y),
    bceWithLogits(x, y, { weight, posWeight }),
    0,
  );
  const classes = int([0, 2, 1, 1]);
  const options = { weight, ignoreIndex: 1 };
  expectClose(
    new CrossEntropyLoss({ ...options, labelSmoothing: 0.1 }).forward(x, classes),
    crossEntropy(x, classes, { ...options, labelSmoothing: 0.1 }),
    0,
  );
  expectClose(new NLLLoss(options).forward(x, classes), nllLoss(x, classes, options), 0);
  expect(Object.keys(new NLLLoss(options).stateDict())).toEqual(['weight']);
});

describe('mistakes', () => {
  checkRefused([
    [
      () => mseLoss(ones([4, 1]), ones([4])),
      'mseLoss: target has shape [4], expected [4, 1], that of input; reshape one of them',
    ],
    [
      () => mseLoss(ones([4]), ones([4], f64)),
      "mseLoss: target is float64, expected float32 as the input; convert with .to('float32')",
    ],
    [
      () => mseLoss(ones([0]), ones([0])),
      'mseLoss: input has shape [0], expected any shape with every size at least 1',
    ],
    [
      () => mseLoss(ones([4]), [1, 2, 3, 4] as never),
      'mseLoss: target is an array of 4, expected a Tensor; make one with tensor(...)',
    ],
    [
      () => mseLoss(ones([4]), ones([4]), { reduction: 'avg' as never }),
      "mseLoss: reduction is 'avg', expected 'mean' or 'sum' or 'none'",
    ],
    [
      () => mseLoss(ones([4]), ones([4]), { delta: 1 } as never),
      "mseLoss: option 'delta' is unknown, expected one of lengths, reduction, batchFirst",
    ],
    [
      () => mseLoss(ones([4]), ones([4]), { lengths: [4] }),
      'mseLoss: target has shape [4], expected [T, B, ...], as lengths are given',
    ],
    [
      () => mseLoss(ones([4, 2]), ones([4, 2]), { lengths: [4] }),
      'mseLoss: lengths has length 1, expected 2, one for each row of the batch',
    ],
    [
      () => mseLoss(ones([4, 2]), ones([4, 2]), { lengths: [4, 5] }),
      'mseLoss: lengths[1] is 5, expected a whole number from 0 to 4',
    ],
    [() => huberLoss(ones([4]), ones([4]), { delta: 0 }), 'huberLoss: delta is 0'],
    [() => new HuberLoss({ delta: -1 }), 'HuberLoss: delta is -1'],
    [() => new SmoothL1Loss({ beta: NaN }), 'SmoothL1Loss: beta is NaN, expected a number from 0'],
    [
      () => new CrossEntropyLoss({ label_smoothing: 0.1 } as never),
      "CrossEntropyLoss: option 'label_smoothing' is unknown, expected one of weight, ignoreIndex, classDim, labelSmoothing, reduction, batchFirst; write labelSmoothing",
    ],
    [
      () => crossEntropy(ones([2, 3]), int([0, 1]), { labelSmoothing: 2 }),
      'crossEntropy: labelSmoothing is 2, expected a number from 0 to 1',
    ],
    [
      () => crossEntropy(ones([2, 3]), int([0, 3])),
      'crossEntropy: target has the value 3, expected class indices from 0 to 2 or ignoreIndex (-100)',
    ],
    [
      () => crossEntropy(ones([2, 3]), int([0, -1])),
      'crossEntropy: target has the value -1, expected class indices from 0 to 2 or ignoreIndex (-100)',
    ],
    [
      () => crossEntropy(ones([2, 3]), tensor([0, 1])),
      "crossEntropy: target is float32, expected int32 class indices; make it with tensor(values, { dtype: 'int32' }), or give a data set Int32Array.from(values)",
    ],
    [
      () => crossEntropy(ones([2, 3]), int([0, 1, 2])),
      "crossEntropy: target has shape [3], expected [2], the input's without dimension 1, the 3 classes; option classDim says where they are",
    ],
    [
      () => crossEntropy(ones([2, 3]), int([0, 1]), { classDim: 2 }),
      'crossEntropy: classDim is 2, expected a dimension of the input, [2, 3]',
    ],
    [
      () => crossEntropy(ones([2, 3]), int([0, 1]), { weight: ones([2]) }),
      'crossEntropy: weight has shape [2], expected [3] (one factor for each class)',
    ],
    [
      () => crossEntropy(ones([2, 3]), ones([2, 3]), { ignoreIndex: 1 }),
      'crossEntropy: ignoreIndex is 1, expected none, as a target of probabilities has no index to ignore',
    ],
    [() => crossEntropy(int([[1, 2]]), int([0])), 'crossEntropy: input is int32, expected float32 or float64'],
    [
      () => crossEntropy(ones([0, 3]), int([])),
      'crossEntropy: input has shape [0, 3], expected [N, C, ...] with every size at least 1',
    ],
    [() => nllLoss(ones([2, 3]), ones([2, 3])), 'nllLoss: target has shape [2, 3], expected [2]'],
    [
      () => bceWithLogits(ones([2, 3]), ones([2, 3]), { posWeight: ones([2]) }),
      "bceWithLogits: posWeight has shape [2], expected one that broadcasts to the input's [2, 3]",
    ],
  ]);
});
