import { checkCount, checkFlag, checkOptions } from '@rnn/core/checks';

/** Truncated backpropagation through time, where a number of steps does not say it all. */
export interface TbpttOptions {
  /** Steps of a piece: how far gradients go back. */
  readonly steps: number;
  /**
   * Whether the rows of a batch come before time; unless given as the data say (`textStreams` do),
   * else false.
   */
  readonly batchFirst?: boolean;
  /**
   * Whether the state is carried from batch to batch of a pass, as one batch goes on where the one
   * before stopped. Unless given as the data say (`textStreams` do), else false: each batch begins
   * with no state.
   */
  readonly carry?: boolean;
}

/** What data may say about how their batches hang together. */
interface Continued {
  /** Whether each batch goes on where the one before stopped. */
  readonly continues?: boolean;
  readonly batchFirst?: boolean;
}

/** Refuses options that make no sense. */
export function checkTbptt(owner: string, tbptt: number | TbpttOptions | undefined): void {
  if (tbptt === undefined) return;
  if (typeof tbptt !== 'object' || tbptt === null) {
    checkCount(owner, 'tbptt', tbptt, 1);
    return;
  }
  checkOptions(owner, tbptt, ['steps', 'batchFirst', 'carry'], 'tbptt');
  const { steps, batchFirst, carry } = tbptt;
  checkCount(owner, 'tbptt.steps', steps, 1);
  if (batchFirst !== undefined) checkFlag(owner, 'tbptt.batchFirst', batchFirst);
  if (carry !== undefined) checkFlag(owner, 'tbptt.carry', carry);
}

/** All that is to be known, for these data. */
export function tbpttOf(data: unknown, tbptt: number | TbpttOptions | undefined): Required<TbpttOptions> | undefined {
  if (tbptt === undefined) return undefined;
  const given = typeof tbptt === 'number' ? { steps: tbptt } : tbptt;
  const said = data as Continued;
  const isTrue = (value: unknown): boolean => value === true;
  const { steps, batchFirst = isTrue(said.batchFirst), carry = isTrue(said.continues) } = given;
  return { steps, batchFirst, carry };
}
