import { scope, type Tensor, type Tree, type TypedArray } from '@rnn/core';
import { checkFunction, checkList, checkOptions } from '@rnn/core/checks';
import type { Module } from '@rnn/nn';
import type { HostValues, TypedHostArray } from '../host-array.js';
import { checkModel } from '../evaluation.js';
import { disposeTree } from '../tree.js';
import { forwardStep, type SequenceStep } from './carried-state.js';
import { RowStep, type RowState } from './row-step.js';
import { asRows, checkIds, later, now, oneRow, picked, rowsFor, type Output, type Outputs } from './session-samples.js';
import { restoredState, savedState, type SavedSession } from './saved-session.js';
import { SessionRows, type SessionId } from './session-rows.js';

export interface StreamOptions<M, S extends Tree = Tree> {
  /** How the model makes a step of x `[1, B, ...]`; `model.forward(x, state)` unless given. */
  readonly step?: SequenceStep<M, S>;
}

/** The session of `push`. */
const own: unique symbol = Symbol('the session of push');
type Key = SessionId | typeof own;
const ownKeys: readonly Key[] = [own];

/**
 * Runs a model sample by sample: what a server or a sensor does. The state stays inside from one
 * sample to the next, for one session or for thousands.
 *
 * @example
 * ```ts
 * const sessions = stream(model);
 * const y = await sessions.push([0.2, 0.7]); // one session
 * const ys = await sessions.step(
 *   ['ann', 'bob'],
 *   [
 *     [0.1, 0.4],
 *     [0.3, 0.9],
 *   ],
 * ); // many: { shape: [2, outputs], data }
 * ```
 * @param model - `forward(x, state?)` gives `[output, state]`, as a recurrent layer does: x [1, B,
 *   ...]; the state a tensor, or lists and objects
 * @param options - `step`
 * @returns the sessions, none at first: each begins with its first sample
 * @throws ArgumentError when the model is none, or for unknown options
 *
 * The model runs in evaluation mode, unrecorded. Differs from PyTorch: has no counterpart there.
 */
export function stream<M extends Module, S extends Tree = Tree>(
  model: M,
  options: StreamOptions<M, S> = {},
): Stream<M, S> {
  return new Stream(model, options);
}

/**
 * Sessions of a model, made by `stream`.
 *
 * Sessions that are stepped together stay together: while the same ones come in the same order,
 * nothing is copied but samples and outputs, and no storage is added. Different ones may come at
 * each step; their states are gathered then.
 *
 * `...Sync` answers at once, on a backend that can. The state moves on when a method is called, not
 * when its promise is awaited, so that calls take effect in their order.
 *
 * @example
 * ```ts
 * const sessions: Stream = stream(new GRU(2, 3));
 * await sessions.step(['ann', 'bob'], [[1, 2], [3, 4]]);
 * const saved = await sessions.save('ann');
 * sessions.drop('ann');
 * sessions.ids(); // ['bob']
 * sessions.restore(saved, 'ann');
 * sessions.size; // 2
 * ```
 */
export class Stream<M extends Module = Module, S extends Tree = Tree> {
  private readonly model: RowStep<M, S>;
  private readonly rows: SessionRows<Key>;

  constructor(model: M, options: StreamOptions<M, S> = {}) {
    const owner = 'stream';
    checkModel(owner, model);
    checkOptions(owner, options, ['step']);
    const { step = forwardStep } = options;
    checkFunction(owner, 'step', step, '(model, x, state) => [output, state]');
    this.model = new RowStep(owner, model, step);
    this.rows = new SessionRows(owner);
  }

  /**
   * Takes the next sample of the one session that has no name.
   *
   * @example
   * ```ts
   * const sessions: Stream = stream(new GRU(2, 3));
   * const y = await sessions.push([0.2, 0.7]);
   * y.length; // 3
   * ```
   * @param sample - a list or typed array of its features, `{ shape, data }`, or a number; an
   *   `Int32Array` of one element is an index, x [1, 1]
   * @returns the output for it, its numbers in row-major order
   * @throws what the model throws; then no state has changed
   */
  async push(sample: HostValues | number): Promise<TypedArray> {
    return later(this.advanced(ownKeys, oneRow(sample)), 1);
  }

  /**
   * `push` at once; a backend that can only answer later throws a `BackendError`.
   *
   * @example
   * ```ts
   * const sessions: Stream = stream(new GRU(2, 3));
   * sessions.pushSync([0.2, 0.7]).length; // 3
   * ```
   */
  pushSync(sample: HostValues | number): TypedArray {
    return now(this.advanced(ownKeys, oneRow(sample)), 1);
  }

  /**
   * Takes the next sample of some sessions, in one batch.
   *
   * @param ids - names of the sessions, each once; one that is new begins
   * @param samples - a row for each: a nested list, `{ shape: [B, ...], data }`, or a flat list or
   *   typed array; flat `Int32Array` of B elements are indices, x [1, B]
   * @returns the outputs, a row for each session: `{ shape: [B, outputs], data }`
   * @throws ArgumentError when an id comes twice; ShapeError when rows and ids differ in number;
   *   what the model throws; then no state has changed
   */
  async step(ids: readonly SessionId[], samples: HostValues): Promise<TypedHostArray> {
    checkList('Stream.step', 'ids', ids, 'name', 1);
    const outputs = this.advanced(ids, rowsFor(ids.length, samples));
    return asRows(await later(outputs, ids.length), ids.length);
  }

  /**
   * `step` at once; a backend that can only answer later throws a `BackendError`.
   *
   * @example
   * ```ts
   * const sessions: Stream = stream(new GRU(2, 3));
   * sessions.stepSync(['ann', 'bob'], [[0.1, 0.4], [0.3, 0.9]]).shape; // [2, 3]
   * ```
   */
  stepSync(ids: readonly SessionId[], samples: HostValues): TypedHostArray {
    checkList('Stream.step', 'ids', ids, 'name', 1);
    const outputs = this.advanced(ids, rowsFor(ids.length, samples));
    return asRows(now(outputs, ids.length), ids.length);
  }

  /**
   * The state of a session, to be kept in a file or a data base.
   *
   * @param id - the session; that of `push` when left out
   * @returns plain values that JSON keeps
   * @throws ArgumentError when there is no such session
   */
  async save(id?: SessionId): Promise<SavedSession> {
    const state = this.rows.gathered([keyOf(id)]);
    try {
      return await savedState(state);
    } finally {
      disposeTree(state);
    }
  }

  /**
   * Goes on from what `save` gave, in this process or another.
   *
   * @param saved - the state
   * @param id - the session that is to have it; that of `push` when left out
   * @throws ArgumentError when the state is of another form than those that `save` gives
   */
  restore(saved: SavedSession, id?: SessionId): void {
    const key = keyOf(id);
    const state = scope(() => {
      const restored = restoredState('Stream.restore', saved, this.model.backend);
      this.model.checkState(restored);
      for (const part of restored) part.keep();
      return restored;
    });
    this.rows.put([key], state);
  }

  /**
   * Forgets a session: its next sample begins a new one.
   *
   * @param id - the session; that of `push` when left out
   * @returns whether there was such a session
   */
  drop(id?: SessionId): boolean {
    const key = keyOf(id);
    const had = this.rows.has(key);
    this.rows.drop(key);
    return had;
  }

  /**
   * Whether a session has begun; that of `push` when `id` is left out.
   *
   * @example
   * ```ts
   * const sessions: Stream = stream(new GRU(2, 3));
   * sessions.has('ann'); // false
   * ```
   */
  has(id?: SessionId): boolean {
    return this.rows.has(keyOf(id));
  }

  /** Number of sessions, that of `push` included. */
  get size(): number {
    return this.rows.size;
  }

  /** Names of the sessions. */
  ids(): SessionId[] {
    return [...this.rows.ids()].filter((id) => id !== own);
  }

  /**
   * Forgets all sessions and frees their memory.
   *
   * @example
   * ```ts
   * const sessions: Stream = stream(new GRU(2, 3));
   * sessions.dispose();
   * sessions.size; // 0
   * ```
   */
  dispose(): void {
    this.rows.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Makes a step of some sessions; who reads the outputs frees them. */
  private advanced(keys: readonly Key[], samples: TypedHostArray): Outputs {
    const { rows, model } = this;
    const batch = rows.together(keys);
    if (batch !== undefined) {
      const [output, state] = model.run(samples, batch.state);
      rows.advance(batch, state);
      return output;
    }
    return this.regrouped(keys, samples);
  }

  /**
   * The same for sessions that were not stepped together before. Apart from `advanced`, so that its
   * closures cost nothing while sessions stay together.
   */
  private regrouped(keys: readonly Key[], samples: TypedHostArray): Output[] {
    const { rows, model } = this;
    if (keys !== ownKeys) checkIds(keys);
    const all = keys.map((_, i) => i);
    const made: { readonly output: Tensor; readonly positions: readonly number[]; readonly state: RowState }[] = [];
    try {
      for (const positions of [all.filter((i) => rows.has(keys[i])), all.filter((i) => !rows.has(keys[i]))]) {
        if (positions.length === 0) continue;
        const before = rows.has(keys[positions[0]]) ? rows.gathered(positions.map((i) => keys[i])) : undefined;
        try {
          const [output, state] = model.run(picked(samples, positions), before);
          made.push({ output, positions, state });
        } finally {
          disposeTree(before);
        }
      }
    } catch (error) {
      for (const { output, state } of made) disposeTree([output, state]);
      throw error;
    }
    for (const { positions, state } of made)
      rows.put(
        positions.map((i) => keys[i]),
        state,
      );
    return made;
  }
}

function keyOf(id: SessionId | undefined): Key {
  return id ?? own;
}
