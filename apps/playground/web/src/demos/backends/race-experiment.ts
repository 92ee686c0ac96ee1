/** The training step that backends race on: a small LSTM continues waves. */
import { fromData, type Tensor } from '@rnn/core';
import { Linear, LSTM, Module, mseLoss } from '@rnn/nn';
import { Adam } from '@rnn/train';
import type { Experiment, ExperimentOptions, Movable } from '../../experiment/experiment.ts';
import { update } from '../../experiment/update.ts';

/** What the race is run with. */
export interface RaceSettings {
  /** Units of the LSTM. */
  readonly units: number;
}

const time = 32;
const rows = 16;

class Continuer extends Module {
  readonly lstm: LSTM;
  readonly head: Linear;

  constructor(units: number) {
    super();
    this.lstm = new LSTM(1, units);
    this.head = new Linear(units, 1);
  }

  forward(x: Tensor): Tensor {
    const [outputs] = this.lstm.forward(x);
    return this.head.forward(outputs);
  }
}

/**
 * A run from a seed on one batch: whatever backend computes, weights and data begin the same, so
 * that losses may differ by rounding alone.
 */
export class RaceExperiment implements Experiment {
  readonly movable: readonly Movable[];
  readonly model: Continuer;
  readonly optimizer: Adam;

  constructor({ settings }: ExperimentOptions<RaceSettings>) {
    this.model = new Continuer(settings.units);
    this.optimizer = new Adam(this.model.parameters(), { lr: 0.005 });
    this.movable = [this.model, this.optimizer];
  }

  /** Forward, backward, and a step of Adam. */
  step(): Tensor {
    return update(this, mseLoss(this.model.forward(waves(0)), waves(1)), 0);
  }

  view(): undefined {
    return undefined;
  }
}

/** Sine waves `[time, rows, 1]`, each row of a period of its own, from step `from` on. */
function waves(from: number): Tensor {
  const values = Float32Array.from({ length: time * rows }, (_, i) => {
    const [t, row] = [Math.floor(i / rows) + from, i % rows];
    return Math.sin((2 * Math.PI * t) / (6 + row));
  });
  return fromData(values, [time, rows, 1]);
}
