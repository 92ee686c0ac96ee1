import {
  add,
  type AverageCount,
  detach,
  eq,
  mul,
  noGrad,
  reshape,
  scope,
  sub,
  sum as sumOf,
  type Tensor,
  to,
} from '@rnn/core';

/** A mean and the number of elements that it is taken over. */
export interface WeightedMean {
  /** NaN when there were no elements. */
  readonly mean: number;
  readonly count: number;
}

/** A mean that is under way: what was summed up, to the bit. */
export interface RunningMeanState {
  readonly base: number;
  readonly count: number;
  readonly sums: readonly Tensor[];
  readonly counts: readonly Tensor[];
}

/** A sum on one device. */
class DeviceSum {
  private readonly totals: Tensor[];

  constructor(totals: readonly Tensor[] = []) {
    this.totals = totals.map((total) => detach(total).keep());
  }

  /** The sums so far; later ones take other tensors. */
  get state(): readonly Tensor[] {
    return this.totals.map((total) => detach(total));
  }

  /** Returns the sum so far. */
  add(value: Tensor): Tensor {
    const total = this.totals.find(({ backend, dtype }) => backend === value.backend && dtype === value.dtype);
    if (total !== undefined) return total.copy_(add(total, value));
    const first = detach(value).keep();
    this.totals.push(first);
    return first;
  }

  async value(): Promise<number> {
    const parts = await Promise.all(this.totals.map(async (total) => (await total.data())[0]));
    return parts.reduce((sum, part) => sum + part, 0);
  }

  dispose(): void {
    for (const total of this.totals.splice(0)) total.dispose();
  }
}

const nothing: RunningMeanState = { base: 0, count: 0, sums: [], counts: [] };

/**
 * The mean of all elements of many tensors, or of means by the number of elements that each was
 * taken over. The sum grows on the device and is read once, at the end; where the tensors come from
 * another backend after a while, a second sum begins there, so that nothing is read in between.
 */
export class RunningMean {
  private readonly sum: DeviceSum;
  /** What the mean is divided by, as far as it is known on the host. */
  private count: number;
  /** The rest of it. */
  private readonly counts: DeviceSum;
  /** How often the sum was finite when it was asked to be watched. */
  private readonly finite = new DeviceSum();
  /** What the sum starts from. */
  private readonly base: number;

  /** Starts from nothing, or from where another one was. */
  constructor({ base, count, sums, counts }: RunningMeanState = nothing) {
    this.base = base;
    this.count = count;
    this.sum = new DeviceSum(sums);
    this.counts = new DeviceSum(counts);
  }

  /** Starts from the mean of `count` earlier elements. */
  static of(mean = 0, count = 0): RunningMean {
    return new RunningMean({ ...nothing, base: count === 0 ? 0 : mean * count, count });
  }

  /** Where this is; its tensors belong to the caller. */
  get state(): RunningMeanState {
    const { base, count, sum, counts } = this;
    return { base, count, sums: sum.state, counts: counts.state };
  }

  /**
   * @param values - any shape
   * @param count - how many elements each of them is the mean of
   * @param watched - whether `finiteAdditions` counts this addition
   */
  add(values: Tensor, count: AverageCount = 1, watched = false): void {
    noGrad(() =>
      scope(() => {
        const sum = sumOf(values.dtype === 'int32' ? to(values, 'float32') : values);
        const total = this.sum.add(this.weighted(sum, values.size, count));
        // x - x is 0 for finite x, else NaN.
        if (watched) this.finite.add(eq(sub(total, total), 0));
      }),
    );
  }

  /**
   * The number of watched additions after which the sum was finite: those before the first that was
   * not.
   */
  async finiteAdditions(): Promise<number> {
    return this.finite.value();
  }

  private weighted(sum: Tensor, size: number, count: AverageCount): Tensor {
    if (typeof count === 'number') {
      this.count += count * size;
      return count === 1 ? sum : mul(sum, count);
    }
    const weight = reshape(to(count, sum.dtype), []);
    this.counts.add(mul(weight, size));
    return mul(sum, weight);
  }

  async value(): Promise<WeightedMean> {
    const [sum, counted] = await Promise.all([this.sum.value(), this.counts.value()]);
    const count = this.count + counted;
    return { mean: (this.base + sum) / count, count };
  }

  dispose(): void {
    this.sum.dispose();
    this.counts.dispose();
    this.finite.dispose();
  }
}
