/**
 * Resize, and Upsample, which was its name before version 10. Each dimension is resized by itself:
 * a place of the result is a sum of some places of the input, so many whatever the length.
 */
import { add, indexSelect, mul, type Tensor } from '@rnn/core';
import type { Node } from '../node.js';
import { needed, type Operator, type Operators } from '../operator.js';
import type { Inputs } from '../plan.js';
import { Value } from '../value.js';
import { axisOf, device } from './common.js';

const modes = ['nearest', 'linear', 'cubic'] as const;
const placings = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
  'tf_half_pixel_for_nn',
] as const;
const roundings = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const;
const policies = ['stretch', 'not_larger', 'not_smaller'] as const;

/** What a node says about every dimension. */
interface Settings {
  readonly mode: (typeof modes)[number];
  readonly placing: (typeof placings)[number];
  readonly rounding: (typeof roundings)[number];
  /** Of cubic weights, PyTorch's -0.75 or -0.5. */
  readonly cubic: number;
  /** Whether places outside of the input get no weight; else they have the value at the end. */
  readonly excludesOutside: boolean;
  /** Whether what becomes smaller is smoothed before. */
  readonly smooths: boolean;
}

/** One dimension: how many places it has, how many it gets, and by which factor. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly factor: number;
}

/** For each place of the result one place of the input, and the weight of what is there. */
interface Tap {
  readonly places: Int32Array;
  readonly weights: Float32Array;
}

const { fround } = Math;

/**
 * The place of the input, as a real number, that a place of the result shows. In float32, as ONNX
 * Runtime and PyTorch compute it: where it is rounded, a last bit decides.
 */
function source(at: number, { from, to, factor }: Stretch, placing: Settings['placing']): number {
  const halves = fround(fround((at + 0.5) / factor) - 0.5);
  switch (placing) {
    case 'half_pixel':
      return halves;
    case 'pytorch_half_pixel':
      return to > 1 ? halves : 0;
    case 'align_corners':
      // As ONNX Runtime has it; ONNX's reference does not round the size that a factor leads to.
      return to === 1 ? 0 : fround(fround(at * (from - 1)) / (to - 1));
    case 'asymmetric':
      return fround(at / factor);
    case 'tf_half_pixel_for_nn':
      return fround((at + 0.5) / factor);
    case 'half_pixel_symmetric':
      // What rounding the size cut off is missing at both ends alike.
      return fround((from / 2) * (1 - to / (factor * from)) + halves);
  }
}

function rounded(place: number, rounding: Settings['rounding']): number {
  switch (rounding) {
    case 'round_prefer_floor':
      return Math.ceil(place - 0.5);
    case 'round_prefer_ceil':
      return Math.floor(place + 0.5);
    case 'floor':
      return Math.floor(place);
    case 'ceil':
      return Math.ceil(place);
  }
}

/** The weight of a place by its distance; zero beyond `reach`. */
function weightOf(distance: number, { mode, cubic: a }: Settings): number {
  const d = Math.abs(distance);
  if (mode === 'linear') return Math.max(0, 1 - d);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/** The taps of one dimension. */
function tapsOf(stretch: Stretch, settings: Settings): readonly Tap[] {
  const { from, to, factor } = stretch;
  const inside = (place: number): number => Math.min(Math.max(place, 0), from - 1);
  const sources = Array.from({ length: to }, (_, at) => source(at, stretch, settings.placing));
  if (settings.mode === 'nearest') {
    const places = Int32Array.from(sources, (place) => inside(rounded(place, settings.rounding)));
    return [{ places, weights: new Float32Array(to).fill(1) }];
  }
  // Smoothing widens the weights by as much as the dimension becomes shorter.
  const narrowing = settings.smooths ? Math.min(1, factor) : 1;
  const reach = (settings.mode === 'linear' ? 1 : 2) / narrowing;
  const count = 2 * Math.ceil(reach);
  const taps = Array.from({ length: count }, (): Tap => ({
    places: new Int32Array(to),
    weights: new Float32Array(to),
  }));
  sources.forEach((place, at) => {
    const first = Math.floor(place) - Math.ceil(reach) + 1;
    const weights = taps.map((_, k) =>
      settings.excludesOutside && inside(first + k) !== first + k
        ? 0
        : weightOf((place - first - k) * narrowing, settings),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    taps.forEach((tap, k) => {
      tap.places[at] = inside(first + k);
      tap.weights[at] = weights[k] / sum;
    });
  });
  return taps.filter(({ weights }) => weights.some((weight) => weight !== 0));
}

/** A dimension of a tensor through its taps. */
function resized(x: Tensor, axis: number, taps: readonly Tap[]): Tensor {
  const behind = new Array<number>(x.rank - 1 - axis).fill(1);
  return taps
    .map(({ places, weights }) => {
      const seen = indexSelect(x, axis, Value.of('int32', [places.length], places).on(x.backend));
      if (weights.every((weight) => weight === 1)) return seen;
      return mul(seen, Value.of('float32', [weights.length, ...behind], weights).on(x.backend));
    })
    .reduce((a, b) => add(a, b));
}

/** How each dimension changes, by the sizes or the factors that a node is given. */
function stretchesOf(
  node: Node,
  shape: readonly number[],
  axes: readonly number[],
  factors: ArrayLike<number> | undefined,
  sizes: ArrayLike<number> | undefined,
): Stretch[] {
  const given = sizes ?? factors ?? node.fail('neither sizes nor scales are given');
  if (given.length !== axes.length) {
    node.fail(`${given.length} ${sizes === undefined ? 'scales' : 'sizes'} are given, expected ${axes.length}`);
  }
  const odd = Array.from(given).find((number) => !(number > 0 && number < 2 ** 31));
  if (odd !== undefined) node.fail(`a dimension is resized to ${odd}, expected more than 0`);
  const policy = node.choice('keep_aspect_ratio_policy', 'stretch', policies);
  const ratios = axes.map((axis, i) => given[i] / shape[axis]);
  const joint = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  return axes.map((axis, i) => {
    const from = shape[axis];
    if (sizes === undefined) return { from, to: Math.floor(fround(from * fround(given[i]))), factor: fround(given[i]) };
    if (policy === 'stretch') return { from, to: given[i], factor: fround(given[i] / from) };
    return { from, to: Math.floor(joint * from + 0.5), factor: fround(joint) };
  });
}

function settingsOf(node: Node): Settings {
  const mode = node.choice('mode', 'nearest', modes);
  // The first versions knew one way only.
  const isOld = node.opset < 11;
  const placing = isOld ? 'asymmetric' : node.choice('coordinate_transformation_mode', 'half_pixel', placings);
  return {
    mode,
    placing,
    rounding: isOld ? 'floor' : node.choice('nearest_mode', 'round_prefer_floor', roundings),
    cubic: node.float('cubic_coeff_a', -0.75),
    excludesOutside: node.flag('exclude_outside'),
    smooths: node.flag('antialias'),
  };
}

const resize: Operator = (node) => {
  const settings = settingsOf(node);
  const axes = node.ints('axes');
  // X, roi, scales, sizes; without roi and sizes in the first versions.
  const [factorsAt, sizesAt] = node.opset < 11 ? [1, NaN] : [2, 3];
  const own = node.floats('scales');
  const isGiven = (inputs: Inputs, position: number): boolean => (inputs[position]?.size ?? 0) > 0;
  return {
    onHost: (inputs) => [factorsAt, sizesAt].filter((position) => isGiven(inputs, position)),
    run(inputs, around) {
      const x = needed(node, inputs, 0);
      const rank = x.shape.length;
      const dims = axes?.map((axis) => axisOf(node, axis, rank)) ?? x.shape.map((_, i) => i);
      const numbers = (position: number): ArrayLike<number> | undefined =>
        isGiven(inputs, position) ? inputs[position]?.host.numbers : undefined;
      const stretches = stretchesOf(node, x.shape, dims, own ?? numbers(factorsAt), numbers(sizesAt));
      let result = x.on(around.backend);
      stretches.forEach((stretch, i) => {
        const { from, to, factor } = stretch;
        if (from === to && factor === 1) return;
        if (to === 0) node.fail(`the dimension ${dims[i]} of [${x.shape.join(', ')}] would be empty`);
        result = resized(result, dims[i], tapsOf(stretch, settings));
      });
      return device(x.type, result);
    },
  };
};

export const resizing: Operators = { Resize: resize, Upsample: resize };
