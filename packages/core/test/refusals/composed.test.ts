import {
  allclose,
  cumsum,
  gelu,
  isclose,
  maskedFill,
  multinomial,
  norm,
  pad,
  prod,
  randperm,
  silu,
  sort,
  std,
  tensor,
  topk,
  tril,
  unfold,
  variance,
  zeros,
} from '../../src/index.js';
import { describeRefusals, double, noTensor, not, one, v, whole, x } from './refusal.js';

const toFloat = "convert with .to('float32')";

describeRefusals('spread, norms, products, running sums', [
  [() => variance(not(3)), 'ERR_ARGUMENT', 'x', `var: x is 3, ${noTensor}`],
  [() => std(whole()), 'ERR_DTYPE', 'x', `std: x is int32, expected float32 or float64; ${toFloat}`],
  [
    () => variance(v(), 1),
    'ERR_ARGUMENT',
    'dims',
    'var: dims is 1, expected a whole number from -1 to 0 for a tensor of rank 1',
  ],
  [
    () => variance(v(), 0, not({ unbiased: false })),
    'ERR_ARGUMENT',
    'unbiased',
    "var: option 'unbiased' is unknown, expected one of keepDim, correction",
  ],
  [
    () => std(v(), 0, { correction: NaN }),
    'ERR_ARGUMENT',
    'correction',
    'std: correction is NaN, expected a finite number',
  ],
  [() => norm(v(), NaN), 'ERR_ARGUMENT', 'p', 'norm: p is NaN, expected a number'],
  [
    () => prod(v(), 2),
    'ERR_ARGUMENT',
    'dims',
    'prod: dims is 2, expected a whole number from -1 to 0 for a tensor of rank 1',
  ],
  [
    () => cumsum(v(), not(undefined)),
    'ERR_ARGUMENT',
    'dim',
    'cumsum: dim is undefined, expected a whole number from -1 to 0 for a tensor of rank 1',
  ],
]);

describeRefusals('gates, masks, comparisons', [
  [() => silu(whole()), 'ERR_DTYPE', 'x', `silu: x is int32, expected float32 or float64; ${toFloat}`],
  [
    () => gelu(v(), { approximate: not('erf') }),
    'ERR_ARGUMENT',
    'approximate',
    "gelu: approximate is 'erf', expected 'none' or 'tanh'",
  ],
  [
    () => maskedFill(x(), v(), v()),
    'ERR_SHAPE',
    'value',
    'maskedFill: value has shape [3], expected [], a single number; use where',
  ],
  [() => tril(v()), 'ERR_SHAPE', 'x', 'tril: x has shape [3], expected at least two dimensions'],
  [() => tril(x(), 0.5), 'ERR_ARGUMENT', 'diagonal', 'tril: diagonal is 0.5, expected a whole number'],
  [
    () => isclose(v(), double()),
    'ERR_MIXED_DTYPES',
    'b',
    "isclose: b is float64, expected float32 as a; convert with .to('float32')",
  ],
  [() => allclose(v(), v(), { rtol: -1 }), 'ERR_ARGUMENT', 'rtol', 'allclose: rtol is -1, expected a number from 0 up'],
]);

describeRefusals('padding and windows', [
  [
    () => pad(v(), [1]),
    'ERR_ARGUMENT',
    'padding',
    'pad: padding is an array of 1, expected one pair for each dimension from the last, 2 numbers at most',
  ],
  [
    () => pad(v(), [-1, 0], 'reflect'),
    'ERR_ARGUMENT',
    'padding[0]',
    "pad: padding[0] is -1, expected a whole number from 0 up in mode 'reflect'",
  ],
  [
    () => pad(v(), [0, 3], 'reflect'),
    'ERR_SHAPE',
    'padding[1]',
    "pad: padding[1] is 3, expected at most 2, as x has shape [3] and mode is 'reflect'",
  ],
  [
    () => pad(zeros([2, 0]), [1, 0], 'replicate'),
    'ERR_SHAPE',
    'padding[0]',
    "pad: padding[0] is 1, expected at most 0, as x has shape [2, 0] and mode is 'replicate'",
  ],
  [
    () => pad(v(), [-2, -2]),
    'ERR_ARGUMENT',
    'padding',
    'pad: padding is [-2, -2], expected no more than the 3 places to be cut off',
  ],
  [() => unfold(v(), 0, 4, 1), 'ERR_ARGUMENT', 'size', 'unfold: size is 4, expected a whole number from 0 to 3'],
  [() => unfold(v(), 0, 2, 0), 'ERR_ARGUMENT', 'step', 'unfold: step is 0, expected a whole number from 1 up'],
  [() => unfold(one(), 0, 1, 1), 'ERR_SHAPE', 'x', 'unfold: x is a single number, expected at least one dimension'],
]);

describeRefusals('order and draws', [
  [
    () => sort(v(), 1),
    'ERR_ARGUMENT',
    'dim',
    'sort: dim is 1, expected a whole number from -1 to 0 for a tensor of rank 1',
  ],
  [() => topk(v(), 4), 'ERR_ARGUMENT', 'k', 'topk: k is 4, expected a whole number from 0 to 3'],
  [() => randperm(-1), 'ERR_ARGUMENT', 'n', 'randperm: n is -1, expected a whole number from 0 to 2147483647'],
  [
    () => multinomial(tensor([1, -1]), 1),
    'ERR_ARGUMENT',
    'weights',
    'multinomial: weights has the value -1, expected finite values from 0 up',
  ],
  [
    () => multinomial(tensor([0, 0]), 1, { replacement: true }),
    'ERR_ARGUMENT',
    'weights',
    'multinomial: weights has a row whose number of values above 0 is 0, expected at least 1',
  ],
  [
    () => multinomial(tensor([0, 1, 1]), 3),
    'ERR_ARGUMENT',
    'weights',
    'multinomial: weights has a row whose number of values above 0 is 2, expected at least 3, as many as numSamples; let positions come again with { replacement: true }',
  ],
]);
