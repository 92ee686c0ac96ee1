import {
  add,
  ArgumentError,
  div,
  fromData,
  hostArray,
  mul,
  scope,
  ShapeError,
  StateDictError,
  sub,
  Tensor,
  to,
} from '@rnn/core';
import { checkCount, checkList, checkOptions, refuse } from '@rnn/core/checks';
import { givenNumbers, type HostValues, type TypedHostArray } from '../host-array.js';
import type { Column } from './tensor-dataset.js';

/** A fitted scaler as plain values that JSON keeps: one entry of each list for each feature. */
export interface ScalerStateDict {
  readonly offset: readonly number[];
  readonly scale: readonly number[];
  readonly constantFeatures: readonly number[];
}

export interface ScalerOptions {
  /**
   * Which features the values hold: one for values of one feature only, or several, in the last
   * dimension; all unless given.
   */
  readonly features?: number | readonly number[];
}

/**
 * What is known of each feature when it has been looked at:
 * `transformed = (value - offset) / scale + base`.
 */
interface Fitted {
  offset: readonly number[];
  scale: readonly number[];
  constantFeatures: readonly number[];
}

const names = ['offset', 'scale', 'constantFeatures'] as const satisfies (keyof Fitted)[];

/**
 * A map of each feature by itself that is learnt from one part of the data and can be undone.
 *
 * @example
 * ```ts
 * const scaler: Scaler = new MinMaxScaler().fit([2, 4, 6]);
 * scaler.transform([3]).data; // [0.25]
 * scaler.inverse([0.25]).data; // [3]
 * ```
 */
export abstract class Scaler {
  protected readonly owner: string;
  /** Where a value that equals the offset goes. */
  private readonly base: number;
  private fitted: Fitted | undefined;

  protected constructor(owner: string, base: number) {
    this.owner = owner;
    this.base = base;
  }

  /**
   * Learns from values: of the training part only, so that nothing of the rest is known to the
   * model.
   *
   * @param values - features along the last dimension, `[N, F]` or `[..., F]`; a list or `[N]` is
   *   one feature
   * @returns the scaler itself
   * @throws ArgumentError when there is no value, or one that is NaN or infinite; then nothing has
   *   changed
   */
  fit(values: Column): this {
    const owner = `${this.owner}.fit`;
    const { shape, data } =
      values instanceof Tensor
        ? { shape: values.shape, data: values.dataSync() }
        : givenNumbers(owner, 'values', values);
    const width = shape.length < 2 ? 1 : shape[shape.length - 1];
    if (data.length === 0 || width === 0) {
      refuse(ArgumentError, owner, 'values', { received: 'empty', expected: 'at least one value of each feature' });
    }
    const odd = data.findIndex((value: number) => !Number.isFinite(value));
    if (odd >= 0) {
      const hint = 'fill in or leave out what is missing first';
      refuse(ArgumentError, owner, 'values', { part: `element ${odd}`, value: data[odd], expected: 'finite', hint });
    }
    const features = Array.from({ length: width }, (_, f) => this.look(data, f, width));
    this.fitted = {
      offset: features.map(({ offset }) => offset),
      // What is the same throughout has no spread to divide by.
      scale: features.map(({ scale, isConstant }) => (isConstant ? 1 : scale)),
      constantFeatures: features.flatMap(({ isConstant }, f) => (isConstant ? [f] : [])),
    };
    return this;
  }

  /**
   * The features that had one value throughout when they were looked at: they are moved, and not
   * stretched.
   */
  get constantFeatures(): readonly number[] {
    return this.present('constantFeatures').constantFeatures;
  }

  /**
   * Scales values.
   *
   * @param values - features along the last dimension; `[N]` where there is one feature
   * @param options - `features` that the values hold; all unless given
   * @returns as many of the same shape: a tensor where a tensor came, else `{ shape, data }`
   *   (float32, also for lists, whose numbers are scaled before they are rounded; float64 for a
   *   `Float64Array`)
   * @throws ShapeError when the features are others than in `fit`; ArgumentError before `fit`
   */
  transform(values: Tensor, options?: ScalerOptions): Tensor;
  transform(values: HostValues, options?: ScalerOptions): TypedHostArray;
  transform(values: Column, options: ScalerOptions = {}): Tensor | TypedHostArray {
    return this.map('transform', values, options);
  }

  /**
   * Undoes `transform`: brings forecasts back into the units of the data.
   *
   * @example
   * ```ts
   * const [input, target] = windows(scaler.transform(series), 12, 3, { target: 0 }).batch([0]);
   * scaler.inverse(target, { features: 0 });   // [B, 3], each value of feature 0
   * ```
   * @param values - scaled values
   * @param options - `features` that the values hold; all unless given
   * @returns as many of the same shape: a tensor where a tensor came, else `{ shape, data }`
   *   (float32; float64 for a `Float64Array` and for lists)
   * @throws ShapeError when the features are others than in `fit`; ArgumentError before `fit`
   */
  inverse(values: Tensor, options?: ScalerOptions): Tensor;
  inverse(values: HostValues, options?: ScalerOptions): TypedHostArray;
  inverse(values: Column, options: ScalerOptions = {}): Tensor | TypedHostArray {
    return this.map('inverse', values, options);
  }

  /**
   * What has been learnt, as plain values that JSON keeps.
   *
   * @example
   * ```ts
   * const scaler = new StandardScaler();
   * scaler.fit([[1], [3]]);
   * scaler.stateDict().offset; // [2]
   * ```
   * @throws ArgumentError before `fit`
   */
  stateDict(): ScalerStateDict {
    const { offset, scale, constantFeatures } = this.present('stateDict');
    return { offset: [...offset], scale: [...scale], constantFeatures: [...constantFeatures] };
  }

  /**
   * Takes over what `stateDict` gave, in the place of `fit`.
   *
   * @example
   * ```ts
   * const scaler = new StandardScaler();
   * scaler.fit([[1], [3]]);
   * const server = new StandardScaler();
   * server.loadStateDict(JSON.parse(JSON.stringify(scaler.stateDict())));
   * ```
   * @throws StateDictError when a name is missing or unknown or a value of another kind; then
   *   nothing has changed
   */
  loadStateDict(dict: ScalerStateDict): void {
    const { owner } = this;
    if (typeof dict !== 'object' || dict === null) {
      refuse(StateDictError, owner, 'stateDict', { value: dict, expected: 'an object' });
    }
    const missing = names.filter((name) => !Object.hasOwn(dict, name));
    const unexpected = Object.keys(dict).filter((name) => !(names as readonly string[]).includes(name));
    if (missing.length > 0 || unexpected.length > 0) {
      const received = `without [${missing.join(', ')}] and with [${unexpected.join(', ')}]`;
      refuse(StateDictError, owner, 'stateDict', { received, expected: `what ${owner} knows`, missing, unexpected });
    }
    const { offset, scale, constantFeatures } = dict;
    for (const [name, list] of Object.entries({ offset, scale, constantFeatures })) {
      if (Array.isArray(list) && list.every((value) => Number.isFinite(value))) continue;
      refuse(StateDictError, owner, 'stateDict', { part: name, value: list, expected: 'a list of finite numbers' });
    }
    if (offset.length === 0 || scale.length !== offset.length || scale.some((value) => value === 0)) {
      const expected = `${offset.length}, one for each offset, none of them 0`;
      refuse(StateDictError, owner, 'stateDict', { part: 'scale', received: String(scale), expected });
    }
    this.fitted = { offset: [...offset], scale: [...scale], constantFeatures: [...constantFeatures] };
  }

  /**
   * Looks at one feature.
   *
   * @param data - all values
   * @param first - where the feature's first value is
   * @param step - from one of its values to the next
   */
  protected abstract look(
    data: ArrayLike<number>,
    first: number,
    step: number,
  ): { readonly offset: number; readonly scale: number; readonly isConstant: boolean };

  private present(operation: string): Fitted {
    if (this.fitted !== undefined) return this.fitted;
    const expected = 'fit or loadStateDict first';
    return refuse(ArgumentError, `${this.owner}.${operation}`, 'the scaler', { received: 'not fitted', expected });
  }

  /**
   * `(x - offset) / scale + base`, in this order since x and the offset may be far from 0 and near
   * each other; or its reverse.
   */
  private map(operation: 'transform' | 'inverse', values: Column, options: ScalerOptions): Tensor | TypedHostArray {
    const owner = `${this.owner}.${operation}`;
    checkOptions(owner, options, ['features']);
    const { offset, scale } = this.present(operation);
    const { features = offset.map((_, f) => f) } = options;
    const chosen = typeof features === 'number' ? [features] : features;
    checkList(owner, 'features', chosen, 'features', 1);
    for (const feature of chosen) checkCount(owner, 'features', feature, 0, offset.length - 1);
    const source = values instanceof Tensor ? values : givenNumbers(owner, 'values', values);
    const { shape } = source;
    // A single feature has no dimension of its own in [N], or where it is named by its number.
    const isFlat = typeof features === 'number' || (chosen.length === 1 && shape.length < 2);
    if (!isFlat && shape[shape.length - 1] !== chosen.length) {
      const [received, expected] = [`[${shape.join(', ')}]`, `[..., ${chosen.length}], one for each feature`];
      refuse(ShapeError, owner, 'values', { has: 'shape', received, expected });
    }
    const [offsets, scales] = [chosen.map((f) => offset[f]), chosen.map((f) => scale[f])];
    const { base } = this;
    if (source instanceof Tensor) {
      return scope(() => {
        const x = source.dtype === 'int32' ? to(source, 'float32') : source;
        const row = (numbers: readonly number[]): Tensor => rowLike(x, numbers);
        // The offset in two parts, of which a float32 tensor would round the second away.
        const coarse = offsets.map(Math.fround);
        const fine = offsets.map((value, f) => value - coarse[f]);
        if (operation === 'transform') return add(div(sub(sub(x, row(coarse)), row(fine)), row(scales)), base);
        return add(add(mul(sub(x, base), row(scales)), row(fine)), row(coarse));
      });
    }
    const { data } = source;
    // Scaled numbers are small and go to a model; what comes back may be far from 0 again.
    const isExact = data instanceof Float64Array || (Array.isArray(data) && operation === 'inverse');
    const result = hostArray(isExact ? 'float64' : 'float32', data.length);
    for (let i = 0; i < data.length; i++) {
      const f = i % chosen.length;
      if (operation === 'transform') result[i] = (data[i] - offsets[f]) / scales[f] + base;
      else result[i] = (data[i] - base) * scales[f] + offsets[f];
    }
    return { shape, data: result };
  }
}

/** Numbers as a tensor `[F]` of the type and on the backend of another. */
function rowLike(x: Tensor, numbers: readonly number[]): Tensor {
  const row = hostArray(x.dtype, numbers.length);
  row.set(numbers);
  return fromData(row, [numbers.length], { backend: x.backend });
}
