/** What is known of weights from their uses. */
import type { NodeProto } from './schema.generated.js';

export interface Roles {
  /** Numbers that say what to compute: limits, exponents, fillings. They stay on the host. */
  readonly settings: ReadonlySet<string>;
  /** Weights that are not learned: statistics and initial states. */
  readonly fixed: ReadonlySet<string>;
}

const settings: Readonly<Record<string, readonly number[]>> = {
  Pow: [1],
  Clip: [1, 2],
  Pad: [2],
  OneHot: [2],
  Range: [0, 1, 2],
};
const fixed: Readonly<Record<string, readonly number[]>> = {
  BatchNormalization: [3, 4],
  RNN: [5],
  GRU: [5],
  LSTM: [5, 6],
};

export function rolesOf(nodes: readonly NodeProto[]): Roles {
  const namesAt = (table: Readonly<Record<string, readonly number[]>>): Set<string> =>
    new Set(
      nodes.flatMap(({ opType, input }) =>
        Object.hasOwn(table, opType) ? table[opType].map((i) => input[i] ?? '') : [],
      ),
    );
  return { settings: namesAt(settings), fixed: namesAt(fixed) };
}
