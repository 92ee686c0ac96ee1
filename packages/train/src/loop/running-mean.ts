import { noGrad, scope, type Tensor } from '@rnn/core';

/**
 * The mean of all elements of many tensors. The sum grows on the device and is read once, at the end; where the tensors come from another
 * backend after a while, a second sum begins there, so that nothing is read in between.
 */
export class RunningMean {
  private readonly totals: Tensor[] = [];
  private count: number;
  /** What the sum starts from. */
  private readonly base: number;

  /** Starts from nothing, or from the mean of `count` earlier elements. */
  constructor(mean = 0, count = 0) {
    this.base = mean * count;
    this.count = count;
  }

  add(values: Tensor): void {
    noGrad(() =>
      scope(() => {
        const sum = (values.dtype === 'int32' ? values.to('float32') : values).sum();
        const total = this.totals.find(({ backend, dtype }) => backend === sum.backend && dtype === sum.dtype);
        if (total === undefined) this.totals.push(sum.detach().keep());
        else total.copy_(total.add(sum));
      }),
    );
    this.count += values.size;
  }

  /** NaN when there were no elements. */
  async value(): Promise<number> {
    const sums = await Promise.all(this.totals.map(async (total) => (await total.data())[0]));
    return sums.reduce((sum, part) => sum + part, this.base) / this.count;
  }

  dispose(): void {
    for (const total of this.totals.splice(0)) total.dispose();
  }
}
