/**
 * Random tensors in the step of a scan. The draws of all steps come in the order in which a loop
 * would draw them: step after step, and within a step in the order of the calls. So a seed gives
 * the same numbers in whichever mode the step runs.
 */
import type { Backend } from '../backend.js';
import { hostArray } from '../dtype.js';
import { ArgumentError } from '../errors.js';
import { draw, sampleNow, type Draw, type FloatArray } from '../ops/draw.js';
import { wrap } from '../record.js';
import { unscoped } from '../scope.js';
import { sameShape, showShape } from '../shape.js';
import { Tensor } from '../tensor.js';

/** A random tensor of a traced step, and its features. */
export interface TracedDraw extends Pick<Draw, 'dtype' | 'generator' | 'fill' | 'perSequence'> {
  readonly width: number;
}

/** Whether two lists of draws take from the same generators. */
export function sameGenerators(a: readonly TracedDraw[], b: readonly TracedDraw[]): boolean {
  return a.length === b.length && a.every(({ generator }, i) => generator === b[i].generator);
}

/**
 * Draws for all steps at once.
 *
 * @param draws - of one step, in the order of the calls
 * @param steps - of the scan
 * @param rows - of the batch
 * @param reverse - whether the last step comes first
 * @param backend - where the results go
 * @returns `[steps * rows * width]` each
 */
export function drawAll(
  draws: readonly TracedDraw[],
  steps: number,
  rows: number,
  reverse: boolean,
  backend: Backend,
): Tensor[] {
  const arrays = draws.map(({ dtype, width }) => hostArray(dtype, steps * rows * width) as FloatArray);
  for (let n = 0; n < steps; n++) {
    const t = reverse ? steps - 1 - n : n;
    draws.forEach(({ width, generator, fill, perSequence }, i) => {
      const size = rows * width;
      const step = arrays[i].subarray(t * size, (t + 1) * size);
      if (!perSequence || n === 0) fill(step, generator);
      else {
        const first = reverse ? steps - 1 : 0;
        step.set(arrays[i].subarray(first * size, (first + 1) * size));
      }
    });
  }
  return arrays.map((values) => wrap(backend, backend.upload(values), [values.length]));
}

/** What one call draws, as whoever looks after draws now has it. */
export function drawFor({ width, ...request }: TracedDraw, rows: number, backend: Backend): Tensor {
  return draw({ ...request, shape: [rows, width], backend });
}

/**
 * Notes where the generators of some draws stand.
 *
 * @returns runs a function that draws again what was drawn from there on; afterwards the generators
 *   go on from where they were before it
 */
export function redrawing(draws: readonly TracedDraw[]): <R>(fn: () => R) => R {
  const states = new Map(draws.map(({ generator }) => [generator, generator.state()]));
  return (fn) => {
    const now = Array.from(states.keys(), (generator) => [generator, generator.state()] as const);
    try {
      for (const [generator, state] of states) generator.setState(state);
      return fn();
    } finally {
      for (const [generator, state] of now) generator.setState(state);
    }
  };
}

/**
 * Draws for a step that is run by single operations, and remembers what is drawn once in a
 * sequence.
 */
export class StepDrawer {
  private readonly kept: Tensor[] = [];
  private next = 0;

  /** To be called before each step. */
  startStep(): void {
    this.next = 0;
  }

  readonly draw = (request: Draw): Tensor => {
    if (!request.perSequence) return sampleNow(request);
    const at = this.next++;
    this.kept[at] ??= unscoped(() => sampleNow(request));
    const mask = this.kept[at];
    // A handle for this step, which may be freed with it or be part of its results.
    if (sameShape(mask.shape, request.shape)) return new Tensor(mask.held.retain(), mask.shape);
    const [expected, received] = [showShape(mask.shape), showShape(request.shape)];
    throw new ArgumentError(
      `scan: call ${at + 1} with perSequence in a step draws shape ${received}, expected ${expected} as in the first step; a step has to make these calls in the same order each time`,
      { argument: 'perSequence', expected, received },
    );
  };

  release(): void {
    for (const mask of this.kept) mask.dispose();
  }
}
