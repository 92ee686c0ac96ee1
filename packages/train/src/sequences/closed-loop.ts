import {
  add,
  ArgumentError,
  type Backend,
  type DType,
  concat,
  detach,
  expand,
  fromData,
  noGrad,
  reshape,
  scope,
  select,
  ShapeError,
  slice,
  Tensor,
  transpose,
  type Tree,
  type TypedArray,
  unsqueeze,
} from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import type { Module } from '@rnn/nn';
import type { Scaler } from '../data/scaler.js';
import type { HostArray } from '../host-array.js';
import { Evaluation } from '../evaluation.js';
import { disposeTree, keptTree } from '../tree.js';

/** A forecast after its arguments were checked. */
export interface ClosedLoopOptions {
  /** `[N, F]` */
  readonly series: HostArray;
  readonly targets: readonly number[];
  /** Features of the steps to come, `[steps, K]`. */
  readonly ahead: { readonly features: readonly number[]; readonly values: HostArray } | undefined;
  readonly scaler: Scaler | undefined;
  readonly horizon: number;
  /** Steps that a model without state sees; `undefined` for one that carries its state. */
  readonly window: number | undefined;
  readonly batchFirst: boolean;
  /** Those that the model forecasts; it goes on from 0.5. */
  readonly quantiles: readonly number[];
  /** What is added to the values of so many rows, `[rows, horizon, targets]`. */
  readonly noise: ((rows: number) => Float32Array) | undefined;
  /** Courses side by side. */
  readonly rows: number;
}

/** How many forecasts wait to be read. */
const UNREAD = 64;

/** A model that reads on from what it has forecast. */
export class ClosedLoop {
  private readonly owner: string;
  private readonly model: Module;
  private readonly evaluation: Evaluation;
  /** Where the model is, and the type that it computes in. */
  private readonly place: { readonly backend: Backend | undefined; readonly dtype: DType };
  private readonly options: ClosedLoopOptions;

  constructor(owner: string, model: Module, options: ClosedLoopOptions) {
    this.owner = owner;
    this.model = model;
    this.options = options;
    const [first] = model.parameters();
    this.place = { backend: first?.backend, dtype: first?.dtype ?? 'float32' };
    this.evaluation = new Evaluation(model);
  }

  /**
   * Forecasts.
   *
   * @returns for each step and target in turn its quantiles, ascending with `quantiles`, or the
   *   values of all courses, ascending
   */
  async run(steps: number): Promise<Float32Array[]> {
    const { targets, quantiles, rows, horizon } = this.options;
    const parts: Tensor[] = []; // [rows, horizon, targets, quantiles] each
    const values: TypedArray[] = [];
    let seen: Tensor | undefined = this.start();
    let state: Tree | undefined;
    try {
      for (let done = 0; seen !== undefined; done += horizon) {
        const next: Advance = this.advance(seen, state, done, done + horizon < steps);
        parts.push(next.part);
        disposeTree([seen]);
        disposeTree(state);
        ({ seen, state } = next);
        // Not read one by one, as the device would wait for each; nor all at the end, as memory
        // would grow with the steps.
        if (parts.length < UNREAD && seen !== undefined) continue;
        values.push(...(await Promise.all(parts.map((part) => part.data()))));
        disposeTree(parts.splice(0));
      }
      const [width, each] = [targets.length, quantiles.length];
      const lists: Float32Array[] = [];
      for (let step = 0; step < steps; step++) {
        const data = values[Math.floor(step / horizon)];
        for (let target = 0; target < width; target++) {
          const list = new Float32Array(rows * each);
          for (let row = 0; row < rows; row++) {
            const from = ((row * horizon + (step % horizon)) * width + target) * each;
            list.set(data.subarray(from, from + each), row * each);
          }
          lists.push(this.ordered(list));
        }
      }
      return lists;
    } finally {
      disposeTree(parts);
      if (seen !== undefined) disposeTree([seen]);
      disposeTree(state);
    }
  }

  /** Courses ascending; quantiles too, each to its place, where the model has them cross. */
  private ordered(list: Float32Array): Float32Array {
    const sorted = list.slice().sort();
    const { quantiles } = this.options;
    if (quantiles.length < 2) return sorted;
    const ranks = quantiles.map((q) => quantiles.filter((other) => other < q).length);
    return Float32Array.from(ranks, (rank) => sorted[rank]);
  }

  /** The history as the model's first input, `[N, rows, F]`. */
  private start(): Tensor {
    const { series, scaler, rows, window } = this.options;
    const [count, features] = series.shape;
    const { data } = scaler === undefined ? series : scaler.transform(series);
    return noGrad(() =>
      scope(() => {
        const x = fromData(data, [count, 1, features], this.place);
        const seen = window === undefined ? x : slice(x, 0, count - window);
        return detach(expand(seen, [seen.shape[0], rows, features])).keep();
      }),
    );
  }

  /** What comes next, and what the model is to see after it. */
  private advance(seen: Tensor, state: Tree | undefined, done: number, goesOn: boolean): Advance {
    const { horizon, targets, quantiles, rows, scaler, window } = this.options;
    return this.evaluation.run((): Advance => {
      const [output, after] = this.call(seen, state, done);
      const scaled = reshape(output, [rows, horizon, targets.length, quantiles.length]);
      const exact = this.inUnits(scaled);
      const part = this.withNoise(exact);
      if (!goesOn) return { part: detach(part).keep(), seen: undefined, state: undefined };
      const median = quantiles.indexOf(0.5);
      const values =
        part === exact || scaler === undefined
          ? select(part === exact ? scaled : part, 3, median)
          : scaler.transform(select(part, 3, median), { features: targets });
      const steps = this.stepsOf(values, done);
      const next = window === undefined ? steps : slice(concat([seen, steps]), 0, horizon);
      return {
        part: detach(part).keep(),
        seen: detach(next).keep(),
        state: after && keptTree(after),
      };
    });
  }

  /**
   * The model's forecast `rows x horizon x targets x quantiles`, and its state where it has one.
   */
  private call(seen: Tensor, state: Tree | undefined, done: number): [output: Tensor, state: Tree | undefined] {
    const { owner } = this;
    const { window, batchFirst, horizon, rows, targets, quantiles } = this.options;
    const form = (x: Tensor | undefined): Tensor | undefined =>
      batchFirst && x !== undefined ? transpose(x, 0, 1) : x;
    const model = this.model as Module & { forward(x?: Tensor, more?: Tree): unknown };
    const result = model.forward(form(seen), window === undefined ? state : form(this.knownOf(done)));
    const carries = Array.isArray(result);
    const output: unknown = carries ? (result as unknown[])[0] : result;
    if (!(output instanceof Tensor) || carries !== (window === undefined)) {
      const expected = window === undefined ? '[output, state], or the option window' : 'a tensor, or no option window';
      const hint = 'a model of windows needs the option, and one that carries its state has no use for it';
      refuse(ArgumentError, owner, 'model', { part: 'the result', value: result, expected, hint });
    }
    const size = rows * horizon * targets.length * quantiles.length;
    const steps = seen.shape[0];
    const last = carries && output.size === steps * size ? select(output, batchFirst ? 1 : 0, steps - 1) : output;
    if (last.size === size) return [last, carries ? (result as [Tensor, Tree])[1] : undefined];
    const received = `[${output.shape.join(', ')}]`;
    const expected = `${rows} x ${horizon} x ${targets.length} x ${quantiles.length} values: rows, horizon, targets, quantiles`;
    return refuse(ShapeError, owner, 'output', { has: 'shape', received, expected });
  }

  /** Values `[rows, horizon, targets, quantiles]` in the units of the history. */
  private inUnits(scaled: Tensor): Tensor {
    const { scaler, targets } = this.options;
    if (scaler === undefined) return scaled;
    return transpose(scaler.inverse(transpose(scaled, 2, 3), { features: targets }), 2, 3);
  }

  private withNoise(values: Tensor): Tensor {
    const { noise, rows, horizon, targets } = this.options;
    if (noise === undefined) return values;
    return add(values, fromData(noise(rows), [rows, horizon, targets.length, 1], this.place));
  }

  /**
   * The next steps as the model reads them, `[horizon, rows, F]`: what was forecast, and what is
   * known.
   */
  private stepsOf(values: Tensor, done: number): Tensor {
    const { series, targets, ahead } = this.options;
    const known = this.knownOf(done);
    const columns = Array.from({ length: series.shape[1] }, (_, feature) => {
      const target = targets.indexOf(feature);
      if (target >= 0) return unsqueeze(transpose(select(values, 2, target), 0, 1), 2);
      const at = ahead?.features.indexOf(feature) ?? -1;
      return known && slice(known, 2, at, at + 1);
    });
    return concat(
      columns.filter((column) => column !== undefined),
      2,
    );
  }

  /** What is known of the next steps, scaled, `[horizon, rows, K]`. */
  private knownOf(done: number): Tensor | undefined {
    const { ahead, scaler, horizon, rows } = this.options;
    if (ahead === undefined) return undefined;
    const { features, values } = ahead;
    const { data } = scaler === undefined ? values : scaler.transform(values, { features });
    const width = features.length;
    const part = data.slice(done * width, (done + horizon) * width);
    return expand(fromData(part, [horizon, 1, width], this.place), [horizon, rows, width]);
  }
}

interface Advance {
  /** `[rows, horizon, targets, quantiles]` */
  readonly part: Tensor;
  readonly seen: Tensor | undefined;
  readonly state: Tree | undefined;
}
