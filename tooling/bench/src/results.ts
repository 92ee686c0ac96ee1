import type { DeviceWork } from './library.ts';
import type { Times } from './measure.ts';
import { nameOf, type Kind, type Task } from './workload.ts';

/** One way of a library, measured and compared. */
export interface Way extends Times {
  readonly variant?: string;
  readonly note?: string;
  readonly keptBytes?: number;
  /** Of one call. */
  readonly work?: DeviceWork;
  /** From the right result; absent if there was nothing to compare. */
  readonly difference?: number;
  /** Whether the difference is within the tolerance. */
  readonly isRight?: boolean;
}

export type Outcome =
  | { readonly type: 'measured'; readonly ways: readonly Way[] }
  | { readonly type: 'not offered' | 'failed'; readonly message: string };

/** A task in all libraries. */
export interface Row {
  readonly task: Task;
  /** By the libraries' names. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

/** The way that stands for a library: the fastest right one, or the fastest if none is right. */
export function bestOf(outcome: Outcome | undefined): Way | undefined {
  if (outcome?.type !== 'measured') return undefined;
  const rank = ({ isRight }: Way): number => (isRight === true ? 0 : isRight === undefined ? 1 : 2);
  return [...outcome.ways].sort((a, b) => rank(a) - rank(b) || a.minimum - b.minimum)[0];
}

/** All rows of a run, for look-ups. */
export class Results {
  readonly rows: readonly Row[];

  constructor(rows: readonly Row[]) {
    this.rows = rows;
  }

  way(id: string, kind: Kind, library: string): Way | undefined {
    const row = this.rows.find(({ task }) => nameOf(task) === `${id} ${kind}`);
    return bestOf(row?.outcomes.get(library));
  }

  /** Minimum in milliseconds; only of a library that does the same work. */
  time(id: string, kind: Kind, library: string): number | undefined {
    const way = this.way(id, kind, library);
    return way?.isRight === false ? undefined : way?.minimum;
  }
}
