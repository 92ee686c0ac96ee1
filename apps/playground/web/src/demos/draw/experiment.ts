import { expand, fromData, Generator, noGrad, scope, zeros, type Tensor } from '@rnn/core';
import { Linear, LSTM, Module } from '@rnn/nn';
import { Adam, DataLoader, windows } from '@rnn/train';
import { endless } from '../../experiment/endless.ts';
import type { ExperimentOptions, Movable } from '../../experiment/experiment.ts';
import { ModelExperiment } from '../../experiment/model-experiment.ts';
import { PacedView } from '../../experiment/paced-view.ts';
import { update } from '../../experiment/update.ts';
import { drawStep, gaussians, mixtureLoss, mixtureSize } from './mixture.ts';
import { evenly, minSteps, penSteps, stepLength, type PenStep, type PenSteps } from './strokes.ts';
import type { DrawSettings, DrawView } from './view.ts';

/** Steps that are read before a drawing is continued. */
const leadIn = 160;
const continued = 120;
const rows = 3;

/** Reads pen steps and says where the pen goes next. */
class Pen extends Module {
  readonly lstm: LSTM;
  readonly head: Linear;

  constructor(hidden: number) {
    super();
    this.lstm = new LSTM(3, hidden);
    this.head = new Linear(hidden, mixtureSize);
  }

  /** x [T, B, 3] -> a mixture for what follows each step [T, B, 6 M + 1], and the state */
  forward(x: Tensor, state?: [Tensor, Tensor]): [output: Tensor, state: [Tensor, Tensor]] {
    const [output, last] = this.lstm.forward(x, state);
    return [this.head.forward(output), last];
  }
}

/** A mixture-density network learns the visitor's drawing, and continues it. */
export class DrawExperiment extends ModelExperiment {
  protected readonly fileName = 'pen';
  readonly movable: readonly Movable[];
  readonly model: Pen;
  readonly optimizer: Adam;
  private readonly steps: PenSteps;
  private readonly batches: Iterator<[Tensor, Tensor]>;
  private readonly seed: number;
  private temperature: number;
  private readonly paced = new PacedView(() => this.draw());

  /** @throws RangeError when there is too little to learn from */
  constructor({ seed, settings }: ExperimentOptions<DrawSettings>) {
    super();
    this.seed = seed;
    this.temperature = settings.temperature;
    this.steps = penSteps(
      settings.strokes.map((stroke) => evenly(stroke, stepLength)),
      stepLength,
    );
    const [count] = this.steps.shape;
    if (count < minSteps)
      throw new RangeError(`The drawing is too short: draw at least ${minSteps * stepLength} units.`);
    const length = Math.min(64, Math.floor(count / 2));
    const examples = windows(this.steps, length, 1, { everyStep: true });
    this.batches = endless(new DataLoader(examples, { batchSize: 16, shuffle: true }));
    this.model = new Pen(settings.hidden);
    this.optimizer = new Adam(this.model.parameters(), { lr: 0.005 });
    this.movable = [this.model, this.optimizer];
  }

  step(): Tensor {
    const [x, y] = this.batches.next().value as [Tensor, Tensor];
    const loss = update(this, mixtureLoss(this.model.forward(x)[0], y));
    this.outdate();
    return loss;
  }

  view(isAtRest: boolean): Promise<DrawView> {
    return this.paced.get(isAtRest);
  }

  /** Continues the drawing with more or less chance: 1 is what was learnt, near 0 the likeliest. */
  chance(temperature: number): Promise<DrawView> {
    this.temperature = temperature;
    this.paced.outdate();
    return this.paced.get(true);
  }

  protected examples(): Tensor[] {
    return [zeros([8, 1, 3])];
  }

  protected outdate(): void {
    this.paced.outdate();
  }

  private async draw(): Promise<DrawView> {
    const [count] = this.steps.shape;
    const first = Math.max(0, count - leadIn);
    // The same draws at every view: what changes is what was learnt.
    const generators = Array.from({ length: rows }, (_, row) => new Generator(this.seed * rows + row));
    const continuations: PenStep[][] = generators.map(() => []);
    let x = expand(fromData(this.steps.data.slice(3 * first), [count - first, 1, 3]), [count - first, rows, 3]);
    let state: [Tensor, Tensor] | undefined;
    let next: Float32Array | undefined;
    for (let step = 0; step < continued; step++) {
      const { output, after } = this.advance(x, state);
      const numbers = Float32Array.from(await output.data());
      for (const used of [x, output, ...(state ?? [])]) used.dispose();
      state = after;
      next ??= numbers.slice(0, mixtureSize);
      const steps = generators.map((generator, row) =>
        drawStep(numbers.subarray(row * mixtureSize, (row + 1) * mixtureSize), generator, this.temperature),
      );
      steps.forEach((penStep, row) => continuations[row]?.push(penStep));
      x = fromData(Float32Array.from(steps.flatMap(({ dx, dy, lifted }) => [dx, dy, Number(lifted)])), [1, rows, 3]);
    }
    for (const used of [x, ...(state ?? [])]) used.dispose();
    return {
      parameters: this.model.parameterCount(),
      steps: count,
      continuations,
      next: gaussians(next ?? new Float32Array(mixtureSize)),
    };
  }

  /** The mixture after the last step of x, `[rows, 6 M + 1]`, and the state there. */
  private advance(x: Tensor, state: [Tensor, Tensor] | undefined): { output: Tensor; after: [Tensor, Tensor] } {
    return noGrad(() =>
      scope(() => {
        const [output, after] = this.model.forward(x, state);
        return { output: output.select(0, -1), after };
      }),
    );
  }
}
