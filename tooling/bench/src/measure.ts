import { Bench } from 'tinybench';

/** Times of one call in milliseconds. */
export interface Times {
  readonly minimum: number;
  readonly median: number;
  /** How many times were taken, and how many calls each of them held. */
  readonly samples: number;
  readonly group: number;
}

export interface Durations {
  /** Milliseconds of measurement. */
  readonly time: number;
  /** Milliseconds of warm-up. */
  readonly warmup: number;
}

/**
 * Calls below this many milliseconds are timed in groups of about `GROUP`, since the clock itself
 * takes a part of such a time.
 */
const SHORT = 0.1;
const GROUP = 0.25;
/** So many times are taken of what lasts long, if they fit into `LONGEST` milliseconds. */
const LEAST = 5;
const LONGEST = 10_000;

const isPromise = (value: unknown): value is Promise<unknown> => value instanceof Promise;

/**
 * Warms up, then times `call` again and again.
 *
 * @param call - the work; if it returns a promise, its fulfilment is part of it
 */
export async function measure(call: () => unknown, { time, warmup }: Durations): Promise<Times> {
  // How long a call takes is not known before it is warm; until then it is found out call by call.
  let isAsync = false;
  const begin = performance.now();
  const calls: number[] = [];
  do {
    const start = performance.now();
    const result = call();
    if (isPromise(result)) {
      isAsync = true;
      await result;
    }
    calls.push(performance.now() - start);
  } while (performance.now() - begin < warmup);
  const single = Math.min(...calls.slice(-100));
  const group = single < SHORT ? Math.ceil(GROUP / Math.max(single, 1e-4)) : 1;

  const bench = new Bench({
    time,
    iterations: Math.max(1, Math.min(LEAST, Math.floor(LONGEST / single))),
    // The calls above were the warm-up of the work; this one is for the loop around it.
    warmup: single < SHORT,
    warmupTime: 100,
    throws: true,
  });
  const grouped = isAsync
    ? async (): Promise<void> => {
        for (let i = 0; i < group; i++) await call();
      }
    : (): void => {
        for (let i = 0; i < group; i++) call();
      };
  bench.add('work', grouped, { async: isAsync });
  if (isAsync) await bench.run();
  else bench.runSync();
  const { result } = bench.tasks[0];
  if (result.state !== 'completed') throw new Error(`measurement ended as '${result.state}'`);
  const { min, p50, samplesCount } = result.latency;
  return { minimum: min / group, median: p50 / group, samples: samplesCount, group };
}
