import { noGrad, scope, type Tensor } from '@rnn/core';

/** The mean of all elements of many tensors. The sum grows on the device and is read once, at the end. */
export class RunningMean {
  private total: Tensor | undefined;
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
        if (this.total === undefined) this.total = sum.detach().keep();
        else this.total.copy_(this.total.to(sum.backend).to(sum.dtype).add(sum).to(this.total.dtype));
      }),
    );
    this.count += values.size;
  }

  /** NaN when there were no elements. */
  async value(): Promise<number> {
    const [sum] = this.total === undefined ? [0] : await this.total.data();
    return (this.base + sum) / this.count;
  }

  dispose(): void {
    this.total?.dispose();
    this.total = undefined;
  }
}
