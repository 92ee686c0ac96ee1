import { ArgumentError, type Records, type Tensor } from '@rnn/core';
import { refuse, describeValue } from '@rnn/core/checks';

/** The inner values that one layer in one direction is to return. */
export interface RunRecords {
  /** Names of the step's values. */
  readonly taps: readonly string[];
  /** For each name under which a value is returned, the step's name for it. */
  readonly keys: ReadonlyMap<string, string>;
}

/**
 * Sorts out which layer and direction returns what. A name such as `i` stands for all of them, and
 * gets their suffixes where there are several, as parameters do; `i_l1_reverse` stands for one.
 *
 * @param owner - the layer, for the message
 * @param record - what the caller asks for
 * @param known - the names of the step's values
 * @param suffixes - `_l0`, `_l0_reverse` and so on, one for each run
 * @returns one entry for each run
 * @throws ArgumentError for a name that there is not; it lists those that there are
 */
export function recordsOfRuns(
  owner: string,
  record: readonly string[],
  known: readonly string[],
  suffixes: readonly string[],
): readonly RunRecords[] {
  checkRecord(owner, record);
  const keys = suffixes.map(() => new Map<string, string>());
  for (const name of record) {
    const runs = suffixes.flatMap((suffix, run) => {
      if (known.includes(name)) return [{ run, tap: name, key: suffixes.length === 1 ? name : `${name}${suffix}` }];
      const tap = name.endsWith(suffix) ? name.slice(0, -suffix.length) : undefined;
      return tap !== undefined && known.includes(tap) ? [{ run, tap, key: name }] : [];
    });
    if (runs.length === 0) refuseName(owner, name, known, suffixes);
    for (const { run, tap, key } of runs) keys[run].set(key, tap);
  }
  return keys.map((run) => ({ keys: run, taps: [...new Set(run.values())] }));
}

/** Refuses anything but a list of names. */
export function checkRecord(owner: string, record: unknown): void {
  if (record === undefined || (Array.isArray(record) && record.every((name) => typeof name === 'string'))) return;
  const isList = Array.isArray(record);
  const received = isList ? 'a list of other things' : describeValue(record);
  refuse(ArgumentError, owner, 'record', { received, expected: 'a list of names' });
}

function refuseName(owner: string, name: string, known: readonly string[], suffixes: readonly string[]): never {
  const expected = `one of ${known.join(', ')}, for one layer with its suffix, as in ${known[0]}${suffixes[suffixes.length - 1]}`;
  refuse(ArgumentError, owner, 'record', { has: 'the name', value: name, expected });
}

/** The values of one run under the names that the caller knows. */
export function namedRecords(
  { keys }: RunRecords,
  values: Records,
  form: (value: Tensor) => Tensor,
): [name: string, value: Tensor][] {
  return Array.from(keys, ([key, tap]) => [key, form(values[tap])]);
}
