import { ArgumentError, concat, fromData, indexSelect, noGrad, scope } from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import { disposeTree } from '../tree.js';
import type { RowState } from './row-step.js';

/** Whatever tells one session from another. */
export type SessionId = string | number;

/** Sessions that were stepped together: their states are the rows of one state. */
interface Batch<K> {
  state: RowState;
  /** The session of each row; `undefined` where it has left. */
  readonly ids: (K | undefined)[];
  live: number;
}

/**
 * States of many sessions, kept in the batches in which the sessions were stepped: while the same
 * sessions are stepped together, a state goes from step to step as it is, and nothing is copied.
 */
export class SessionRows<K> {
  private readonly owner: string;
  private readonly places = new Map<K, { readonly batch: Batch<K>; readonly row: number }>();

  /** @param owner - for messages */
  constructor(owner: string) {
    this.owner = owner;
  }

  get size(): number {
    return this.places.size;
  }

  has(id: K): boolean {
    return this.places.has(id);
  }

  ids(): IterableIterator<K> {
    return this.places.keys();
  }

  /** The batch that holds these sessions and no others, in this order. */
  together(ids: readonly K[]): Batch<K> | undefined {
    const batch = this.places.get(ids[0])?.batch;
    if (batch === undefined || batch.ids.length !== ids.length) return undefined;
    for (let i = 0; i < ids.length; i++) if (batch.ids[i] !== ids[i]) return undefined;
    return batch;
  }

  /** Puts a state in the place of a batch's, which is freed. */
  advance(batch: Batch<K>, state: RowState): void {
    const before = batch.state;
    batch.state = state;
    for (let i = 0; i < before.length; i++) before[i].dispose();
  }

  /** The states of some sessions as one; the caller frees it. */
  gathered(ids: readonly K[]): RowState {
    const places = ids.map((id) => this.placeOf(id));
    const starts = new Map<Batch<K>, number>();
    let rows = 0;
    for (const { batch } of places) {
      if (starts.has(batch)) continue;
      starts.set(batch, rows);
      rows += batch.ids.length;
    }
    const index = Int32Array.from(places, ({ batch, row }) => (starts.get(batch) ?? 0) + row);
    return chosen(
      Array.from(starts.keys(), ({ state }) => state),
      index,
    );
  }

  /**
   * Takes over a state whose rows belong to these sessions; where they were before, their rows are
   * free.
   */
  put(ids: readonly K[], state: RowState): void {
    const batch: Batch<K> = { state, ids: [...ids], live: ids.length };
    for (const id of ids) this.leave(id);
    ids.forEach((id, row) => this.places.set(id, { batch, row }));
  }

  /** Forgets a session. */
  drop(id: K): void {
    this.leave(id);
    this.places.delete(id);
  }

  clear(): void {
    for (const batch of new Set([...this.places.values()].map(({ batch }) => batch))) disposeTree(batch.state);
    this.places.clear();
  }

  private placeOf(id: K): { readonly batch: Batch<K>; readonly row: number } {
    const place = this.places.get(id);
    if (place !== undefined) return place;
    return refuse(ArgumentError, this.owner, 'id', { value: id, expected: 'a session that has had a step' });
  }

  private leave(id: K): void {
    const place = this.places.get(id);
    if (place === undefined) return;
    const { batch, row } = place;
    batch.ids[row] = undefined;
    batch.live--;
    if (batch.live === 0) disposeTree(batch.state);
    else if (batch.live * 2 < batch.ids.length) this.compact(batch);
  }

  /**
   * Lets go of free rows when they are the larger part, so that memory follows the number of
   * sessions.
   */
  private compact(batch: Batch<K>): void {
    const ids = batch.ids.filter((id) => id !== undefined);
    const rows = batch.ids.flatMap((id, row) => (id === undefined ? [] : [row]));
    const compact = { state: chosen([batch.state], Int32Array.from(rows)), ids, live: ids.length };
    disposeTree(batch.state);
    ids.forEach((id, row) => this.places.set(id, { batch: compact, row }));
  }
}

/** Rows of several states, which are counted through. */
function chosen(states: readonly RowState[], rows: Int32Array): RowState {
  return noGrad(() =>
    scope(() =>
      states[0].map((part, i) => {
        const all = states.length === 1 ? part : concat(states.map((state) => state[i]));
        return indexSelect(all, 0, fromData(rows, [rows.length], { backend: part.backend })).keep();
      }),
    ),
  );
}
