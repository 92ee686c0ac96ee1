import type { LayerName } from './forecaster.ts';

/** What a forecast is made from. */
export interface ForecastSettings {
  /** Rows in order of time, `[N, F]`; the first column is the one that is shown. */
  readonly series: { readonly shape: readonly [number, number]; readonly data: Float32Array };
  readonly layer: LayerName;
  readonly hidden: number;
  /** Rows after which the series is expected to repeat itself; undefined where it does not. */
  readonly season: number | undefined;
  /** The part of the test that is shown first. */
  readonly place?: ForecastPlace;
}

/** What part of the test the page shows. */
export interface ForecastPlace {
  /** The row that the forecast begins at: all before it is known. */
  readonly origin: number;
  /** Rows to forecast. */
  readonly ahead: number;
}

/** Errors of forecasts of the same rows: root mean squared errors in the units of the data. */
export interface Scores {
  readonly model: number;
  /** Of "it stays as it is". */
  readonly persistence: number;
  /** Of "it is as it was one season ago". */
  readonly seasonal: number | undefined;
  /** Rows that were forecast. */
  readonly count: number;
}

/** One step ahead: scores, and whether the difference is more than chance. */
export interface StepScores extends Scores {
  /**
   * How many standard errors the mean squared error of persistence is above the model's, as Diebold
   * and Mariano compare forecasts; within ±2 it may be chance.
   */
  readonly certainty: number;
}

/** Of the rows that are shown. */
export interface PlaceScores extends Scores {
  /** The part of the rows that lies within the narrowest band, from 0 to 1. */
  readonly inBand: number;
}

/** Where the rows lie with some probability. */
export interface ForecastBand {
  /** How probable: 0.8 in 8 of 10 cases. */
  readonly level: number;
  readonly lower: Float32Array;
  readonly upper: Float32Array;
}

/** The forecast as it is now. */
export interface ForecastView extends ForecastPlace {
  /** Rows that are learnt from. The next, up to `testStart`, give the bands their width. */
  readonly trainEnd: number;
  readonly testStart: number;
  readonly parameters: number;
  /** Values of the first column, from `origin` on. */
  readonly values: Float32Array;
  /** From the narrowest to the widest. */
  readonly bands: readonly ForecastBand[];
  /** All rows of the test, each forecast from those before it. */
  readonly oneStep: StepScores;
  /** The rows that are shown, forecast from `origin`; undefined where no truth is known. */
  readonly here: PlaceScores | undefined;
}
