/** Zero crossings of the kernel on each side; more of them make the edge at the cut-off steeper. */
const crossings = 24;
/** Where the cut-off lies below half of the lower rate: the edge needs room. */
const edge = 0.92;

/**
 * Brings a stream of samples from one rate to another: a low-pass filter by a windowed sinc, with
 * one set of coefficients for each phase between the two rates.
 *
 * @example
 * const resampler = new Resampler(48_000, 16_000);
 * resampler.push(samples, (sample) => frame.push(sample));
 */
export class Resampler {
  /** Samples that come in for `phases` that go out. */
  private readonly step: number;
  private readonly phases: number;
  /** Samples on each side of an output that it is made from. */
  private readonly reach: number;
  /** `[phases][2 reach]` */
  private readonly kernels: Float32Array;
  private readonly buffer: Float32Array;
  private filled: number;
  private position: number;
  private phase = 0;

  constructor(from: number, to: number) {
    const divisor = greatestCommonDivisor(from, to);
    this.step = from / divisor;
    this.phases = to / divisor;
    const cutoff = edge * Math.min(1, to / from);
    this.reach = Math.ceil(crossings / cutoff);
    const width = 2 * this.reach;
    this.kernels = new Float32Array(this.phases * width);
    for (let phase = 0; phase < this.phases; phase++) {
      const kernel = this.kernels.subarray(phase * width, (phase + 1) * width);
      for (let i = 0; i < width; i++) kernel[i] = lowPass(i + 1 - this.reach - phase / this.phases, cutoff, this.reach);
      // A constant stays what it is.
      const sum = kernel.reduce((total, value) => total + value, 0);
      for (let i = 0; i < width; i++) kernel[i] /= sum;
    }
    this.buffer = new Float32Array(width + 8192);
    // Silence before the beginning, so that the first output is that of time 0.
    this.filled = this.reach - 1;
    this.position = 0;
  }

  /**
   * Takes samples in, and gives those that are complete.
   *
   * @param samples - at most 8192
   * @param emit - called with each sample of the other rate
   */
  push(samples: Float32Array, emit: (sample: number) => void): void {
    const { buffer, kernels, reach, phases, step } = this;
    const width = 2 * reach;
    buffer.set(samples, this.filled);
    this.filled += samples.length;
    while (this.position + width <= this.filled) {
      let sum = 0;
      const kernel = this.phase * width;
      for (let i = 0; i < width; i++) sum += (kernels[kernel + i] ?? 0) * (buffer[this.position + i] ?? 0);
      emit(sum);
      this.phase += step;
      this.position += Math.floor(this.phase / phases);
      this.phase %= phases;
    }
    const done = Math.min(this.position, this.filled);
    buffer.copyWithin(0, done, this.filled);
    this.filled -= done;
    this.position -= done;
  }
}

/** The ideal low-pass filter at a distance in samples, under a Hann window. */
function lowPass(distance: number, cutoff: number, reach: number): number {
  const x = Math.PI * cutoff * distance;
  const sinc = x === 0 ? 1 : Math.sin(x) / x;
  return sinc * Math.cos((Math.PI * distance) / (2 * reach)) ** 2;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
