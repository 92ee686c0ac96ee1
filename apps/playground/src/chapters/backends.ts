import { manualSeed, setBackend, type Backend } from '@rnn/core';
import { LSTM } from '@rnn/nn';
import { parseSunspots } from '../data/sunspots.ts';
import type { ChapterContext } from './context.ts';
import { Forecaster } from './forecaster.ts';
import { learnSeries, predictSeries } from './forecasting.ts';
import { standardise, type StandardSeries } from './series.ts';

const tourSteps = 40;

/**
 * A forecast is made so many times; the fastest counts. The first one, which compiles, does not.
 */
const repetitions = 3;

/** One backend at work. */
export interface BackendRun {
  readonly name: string;
  readonly device: string;
  /** Of the forecast of all held-out months. */
  readonly milliseconds: number;
  /** The largest difference of a forecast from the first backend's, in sunspots. */
  readonly difference: number;
}

/** A backend that cannot run here. */
interface MissingBackend {
  readonly name: string;
  readonly reason: string;
}

export interface BackendsResult {
  readonly months: number;
  readonly runs: readonly BackendRun[];
  readonly missing: readonly MissingBackend[];
  /** The loss of each step of a training that stays on the first backend. */
  readonly stayed: readonly number[];
  /** Of the same training, handed on from backend to backend in equal parts. */
  readonly moved: readonly number[];
  /** The largest difference of the two. */
  readonly difference: number;
}

/**
 * One LSTM on every backend that runs here: a training that moves in the middle, and the same
 * forecast on each.
 */
export async function runBackends(context: ChapterContext): Promise<BackendsResult> {
  const { values } = parseSunspots(await context.read('sunspots-monthly.csv'));
  const cut = Math.floor(values.length * 0.8);
  const series = standardise(values, cut);
  const { started, missing } = await startAll(context);
  const backends = [...started.values()];

  const learn = async (
    task: string,
    stations: readonly Backend[],
  ): Promise<{ model: Forecaster; losses: readonly number[] }> => {
    setBackend(stations[0]);
    manualSeed(context.seed);
    const model = new Forecaster(new LSTM(1, 32));
    let steps = tourSteps;
    const { losses } = await learnSeries(
      { task, model, series: series.values.subarray(0, cut), tourSteps },
      {
        ...context,
        backend: stations[0],
        report: (progress) => {
          steps = progress.steps;
          context.report(progress);
        },
        moveTo: (step) => stations[Math.floor((step * stations.length) / steps)],
      },
    );
    return { model, losses };
  };
  const names = [...started.keys()];
  const stayed = await learn(names[0], [backends[0]]);
  stayed.model.dispose();
  const moved = await learn(names.join(' to '), backends);

  const runs: BackendRun[] = [];
  let first: readonly number[] | undefined;
  for (const [name, backend] of started) {
    await moved.model.moveTo(backend);
    setBackend(backend);
    const { forecast, milliseconds } = await timedForecast(moved.model, series, cut);
    first ??= forecast;
    runs.push({ name, device: backend.info.device, milliseconds, difference: largestDifference(first, forecast) });
  }
  moved.model.dispose();
  for (const backend of backends) if (backend !== context.backend) await backend.dispose();
  setBackend(context.backend);
  return {
    months: values.length - cut,
    runs,
    missing,
    stayed: stayed.losses,
    moved: moved.losses,
    difference: largestDifference(stayed.losses, moved.losses),
  };
}

/** Starts what can run here, and notes why the rest cannot. */
async function startAll({
  backend,
  backends,
}: ChapterContext): Promise<{ started: Map<string, Backend>; missing: MissingBackend[] }> {
  const started = new Map<string, Backend>();
  const missing: MissingBackend[] = [];
  for (const [name, start] of Object.entries(backends)) {
    try {
      started.set(name, name === backend.info.name ? backend : await start());
    } catch (error) {
      missing.push({ name, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  if (started.size === 0) started.set(backend.info.name, backend);
  return { started, missing };
}

async function timedForecast(
  model: Forecaster,
  series: StandardSeries,
  cut: number,
): Promise<{ forecast: readonly number[]; milliseconds: number }> {
  const forecast = await predictSeries(model, series, cut);
  let milliseconds = Infinity;
  for (let i = 0; i < repetitions; i++) {
    const start = performance.now();
    await predictSeries(model, series, cut);
    milliseconds = Math.min(milliseconds, performance.now() - start);
  }
  return { forecast, milliseconds };
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - b[i])));
}
