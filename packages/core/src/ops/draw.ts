import { during, Setting } from '../ambient.js';
import type { Backend } from '../backend.js';
import { hostArray, type DType } from '../dtype.js';
import type { Generator } from '../random.js';
import { wrap } from '../record.js';
import { sizeOf, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';

/** Host values of a floating type. */
export type FloatArray = Float32Array | Float64Array;

/** A random tensor that is wanted. */
export interface Draw {
  readonly shape: Shape;
  /** float32 or float64. */
  readonly dtype: DType;
  readonly backend: Backend;
  readonly generator: Generator;
  /** Fills an array with draws of the generator, and takes nothing from elsewhere. */
  readonly fill: (out: FloatArray, generator: Generator) => void;
  /**
   * Whether, in a step of a scan, it is drawn in the first step and stays the same in those that
   * follow.
   */
  readonly perSequence: boolean;
}

/** Gives a random tensor. */
export type Sampler = (request: Draw) => Tensor;

/** Who draws: a scan looks after the draws of its step. */
const sampler = new Setting<Sampler>(sampleNow);

/** A random tensor: drawn now, or by the scan whose step this is. */
export function draw(request: Draw): Tensor {
  return sampler.value(request);
}

/** Runs a function whose draws another looks after. */
export function withSampler<R>(other: Sampler, fn: () => R): R {
  return during(sampler, other, fn);
}

/** Draws on the host, so that a seed gives the same numbers on all backends. */
export function sampleNow({ shape, dtype, backend, generator, fill }: Draw): Tensor {
  const values = hostArray(dtype, sizeOf(shape)) as FloatArray;
  fill(values, generator);
  return wrap(backend, backend.upload(values), [...shape]);
}
