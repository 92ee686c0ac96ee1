import type { Tensor } from '@rnn/core';
import { checkChoice, checkFlag, checkNumber, checkOptions } from '@rnn/core/checks';
import { dropout } from '../dropout.js';

/** Dropout inside a recurrence, in training mode. */
export interface RecurrentDropout {
  /** The share of elements that is dropped, from 0 to 1. */
  readonly p: number;
  /**
   * What is dropped: the candidate, which is what a step would add to the memory, so that nothing
   * remembered is lost (Semeniuta, Severyn and Barth 2016); or the state where it enters the
   * products with `weight_hh` (Gal and Ghahramani 2016).
   */
  readonly on?: 'candidate' | 'state';
  /** Whether one mask serves all steps of a sequence, instead of one for each step. */
  readonly perSequence?: boolean;
}

/** What a step calls on the values that may be dropped. */
export interface StepDropout {
  state(h: Tensor): Tensor;
  candidate(g: Tensor): Tensor;
}

const same = (x: Tensor): Tensor => x;

/** Drops nothing. */
export const keepAll: StepDropout = { state: same, candidate: same };

/**
 * What a cell drops, after a check of the option.
 *
 * @param owner - for the message
 * @param option - a number is the share of candidates dropped in each step; `undefined` drops
 *   nothing
 * @param usual - where `on` is not given
 * @returns the option with its defaults
 * @throws ArgumentError when p does not lie within [0, 1], or an option is unknown
 */
export function checkRecurrentDropout(
  owner: string,
  option: number | RecurrentDropout | undefined,
  usual: 'candidate' | 'state',
): Required<RecurrentDropout> | undefined {
  if (option === undefined) return undefined;
  const given = typeof option === 'number' ? { p: option } : option;
  checkOptions(`${owner}: recurrentDropout`, given, ['p', 'on', 'perSequence']);
  const { p, on = usual, perSequence = false } = given;
  checkNumber(owner, 'recurrentDropout', p, { from: 0, to: 1 });
  // A cell without gates has no candidate apart from its state.
  checkChoice(owner, 'recurrentDropout.on', on, usual === 'state' ? ['state'] : ['candidate', 'state']);
  checkFlag(owner, 'recurrentDropout.perSequence', perSequence);
  return { p, on, perSequence };
}

/** The functions that a step calls on the values that may be dropped. */
export function stepDropout(option: Required<RecurrentDropout> | undefined, training: boolean): StepDropout {
  if (option === undefined) return keepAll;
  const { p, on, perSequence } = option;
  return { ...keepAll, [on]: (x: Tensor): Tensor => dropout(x, { p, perSequence, training }) };
}
