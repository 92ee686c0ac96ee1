import { StateDictError } from '@rnn/core';
import { refuse } from '@rnn/core/checks';

/**
 * A schedule's state: plain values by name, such as JSON keeps. A list may be empty for "none yet".
 */
export type ScheduleStateDict = Readonly<Record<string, number | string | boolean | readonly number[]>>;

/**
 * Checks a state that is to be loaded against the present one, which says what names and kinds of
 * values belong there.
 *
 * @param owner - the schedule's name, for messages
 * @param present - the state as it is
 * @param loaded - what is to take its place
 * @throws StateDictError when a name is missing or unknown or a value of another kind
 */
export function checkScheduleState(owner: string, present: ScheduleStateDict, loaded: ScheduleStateDict): void {
  const names = Object.keys(present);
  if (typeof loaded !== 'object' || loaded === null) {
    refuse(StateDictError, owner, 'stateDict', { value: loaded, expected: 'an object' });
  }
  const missing = names.filter((name) => !Object.hasOwn(loaded, name));
  const unexpected = Object.keys(loaded).filter((name) => !names.includes(name));
  if (missing.length > 0 || unexpected.length > 0) {
    const received = `without [${missing.join(', ')}] and with [${unexpected.join(', ')}]`;
    refuse(StateDictError, owner, 'stateDict', { received, expected: `what ${owner} knows`, missing, unexpected });
  }
  for (const name of names) {
    const expected = kindOf(present[name]);
    const received = kindOf(loaded[name]);
    if (received === expected) continue;
    refuse(StateDictError, owner, 'stateDict', { part: name, received, expected });
  }
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) {
    return value.every((item) => typeof item === 'number')
      ? `a list of ${value.length} numbers`
      : 'a list of other things';
  }
  return value === null ? 'null' : typeof value;
}
