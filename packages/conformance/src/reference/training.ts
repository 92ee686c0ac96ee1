import { FormatError, fromData, scope, select, stack, type Tensor } from '@rnn/core';
import { Linear, mseLoss, Parameter } from '@rnn/nn';
import {
  Adagrad,
  Adam,
  AdamW,
  clipGradNorm,
  CosineAnnealingLR,
  ExponentialLR,
  OneCycleLR,
  ReduceLROnPlateau,
  RMSprop,
  SGD,
  StepLR,
} from '@rnn/train';
import type { Config } from './config.js';
import { layerOf, outputOf } from './recurrent.js';
import type { Trial } from './trial.js';

const optimizers = { SGD, Adam, AdamW, RMSprop, Adagrad };

type AnyOptimizer = SGD | Adam | AdamW | RMSprop | Adagrad;

/**
 * An optimiser by name. It refuses options that it does not know, so whatever the config names goes
 * to it as it is.
 */
function optimizerOf(name: string, params: readonly Tensor[], options: Record<string, unknown>): AnyOptimizer {
  if (!Object.hasOwn(optimizers, name)) {
    throw new FormatError(
      `reference case: unknown optimizer '${name}', expected one of ${Object.keys(optimizers).join(', ')}`,
    );
  }
  const Optimizer = optimizers[name as keyof typeof optimizers] as new (
    params: readonly Tensor[],
    options: Record<string, unknown>,
  ) => AnyOptimizer;
  return new Optimizer(params, options);
}

/** Parameters by the names under a prefix. */
function parametersOf(trial: Trial, names: readonly string[], make: (name: string) => Tensor): Map<string, Parameter> {
  return new Map(names.map((name) => [name, trial.own(new Parameter(make(name)))]));
}

/**
 * Runs a case of the group `optim`: parameters, a gradient for each step, the parameters after each
 * step.
 */
export function runOptimizer(trial: Trial): void {
  const { file } = trial;
  const names = file.names('param0.');
  const parameters = parametersOf(trial, names, (name) => trial.input(`param0.${name}`));
  const gradients = new Map(names.map((name) => [name, trial.input(`grads.${name}`)]));
  const trace = new Map(names.map((name): [string, Tensor[]] => [name, []]));
  const optimizer = trial.own(optimizerOf(file.config.text('optimizer'), [...parameters.values()], file.config.rest()));
  const [steps] = [...gradients.values()].map(({ shape }) => shape[0]);
  for (let t = 0; t < steps; t++) {
    for (const [name, parameter] of parameters) {
      parameter.grad?.dispose();
      parameter.grad = select(gradients.get(name) as Tensor, 0, t).keep();
    }
    optimizer.step();
    for (const [name, parameter] of parameters) trace.get(name)?.push(parameter.detach());
  }
  for (const [name, values] of trace) trial.result(`out.${name}`, stack(values));
}

/** A schedule; only one that looks at a metric takes it. */
interface Schedule {
  step(metric: number): void;
}

const schedules: ReadonlyMap<string, (optimizer: SGD, config: Config) => Schedule> = new Map<
  string,
  (optimizer: SGD, config: Config) => Schedule
>([
  [
    'StepLR',
    (optimizer, config) =>
      new StepLR(optimizer, { stepSize: config.number('step_size'), gamma: config.number('gamma', 0.1) }),
  ],
  ['ExponentialLR', (optimizer, config) => new ExponentialLR(optimizer, { gamma: config.number('gamma') })],
  [
    'CosineAnnealingLR',
    (optimizer, config) =>
      new CosineAnnealingLR(optimizer, { tMax: config.number('T_max'), etaMin: config.number('eta_min', 0) }),
  ],
  [
    'OneCycleLR',
    (optimizer, config) =>
      new OneCycleLR(optimizer, {
        maxLr: config.number('max_lr'),
        totalSteps: config.number('total_steps'),
        pctStart: config.number('pct_start', 0.3),
        annealStrategy: config.choice('anneal_strategy', ['cos', 'linear'], 'cos'),
        cycleMomentum: config.flag('cycle_momentum', true),
        divFactor: config.number('div_factor', 25),
        finalDivFactor: config.number('final_div_factor', 1e4),
        threePhase: config.flag('three_phase', false),
      }),
  ],
  [
    'ReduceLROnPlateau',
    (optimizer, config) =>
      new ReduceLROnPlateau(optimizer, {
        mode: config.choice('mode', ['min', 'max'], 'min'),
        factor: config.number('factor', 0.1),
        patience: config.number('patience', 10),
        threshold: config.number('threshold', 1e-4),
        thresholdMode: config.choice('threshold_mode', ['rel', 'abs'], 'rel'),
        cooldown: config.number('cooldown', 0),
        minLr: config.number('min_lr', 0),
        eps: config.number('eps', 1e-8),
      }),
  ],
]);

/** Runs a case of the group `schedule`: the learning rate before each step. */
export function runSchedule(trial: Trial): void {
  const { file, backend } = trial;
  const { config } = file;
  const name = config.text('scheduler');
  const [parameter] = parametersOf(trial, ['p'], () => fromData([0], [1], { backend })).values();
  const optimizer = trial.own(new SGD([parameter], { lr: config.number('base_lr') }));
  const make = schedules.get(name);
  if (make === undefined) {
    throw new FormatError(
      `reference case: unknown scheduler '${name}', expected one of ${[...schedules.keys()].join(', ')}`,
    );
  }
  const schedule = make(optimizer, config);
  const metric = file.has('metric') ? file.tensor('metric').data : undefined;
  const rates: number[] = [];
  for (let t = 0; t < file.tensor('out.lr').data.length; t++) {
    rates.push(optimizer.paramGroups[0].lr);
    optimizer.step();
    schedule.step(metric?.[t] ?? 0);
  }
  trial.result('out.lr', fromData(rates, [rates.length], { backend }));
}

/** Runs a case of the group `clip`: gradients in, gradients and their norm out. */
export function runClip(trial: Trial): void {
  const { file, backend } = trial;
  const { config } = file;
  const maxNorm = config.number('max_norm');
  const normType = normOf(config.text('norm_type'));
  const parameters = parametersOf(trial, file.names('grads.'), (name) => {
    const { shape, data } = file.tensor(`grads.${name}`);
    return fromData(
      data.map(() => 0),
      shape,
      { backend },
    );
  });
  for (const [name, parameter] of parameters) parameter.grad = trial.input(`grads.${name}`).keep();
  trial.result('out.norm', clipGradNorm(parameters.values(), maxNorm, { normType }));
  for (const [name, { grad }] of parameters) if (grad !== undefined) trial.result(`out.${name}`, grad.detach());
}

function normOf(text: string): number {
  const value = text === 'inf' ? Infinity : Number(text);
  if (Number.isNaN(value)) throw new FormatError(`reference case: norm_type is '${text}', expected a number or 'inf'`);
  return value;
}

/**
 * Runs a case of the group `training`: some steps of a recurrent layer with a linear one on its
 * last output, and their losses.
 */
export function runTraining(trial: Trial): void {
  const { file, backend } = trial;
  const { config } = file;
  const [, inputSize] = file.tensor('param.rnn.weight_ih_l0').shape;
  const [, hiddenSize] = file.tensor('param.rnn.weight_hh_l0').shape;
  const [outFeatures, inFeatures] = file.tensor('param.head.weight').shape;
  const layer = trial.load(layerOf(config.text('kind'), inputSize, hiddenSize, trial), 'param.rnn.');
  const head = trial.load(new Linear(inFeatures, outFeatures, { backend }), 'param.head.');
  const described = config.text('loss');
  if (described !== 'mse of head(output[T-1])') {
    throw new FormatError(`reference case: unknown loss '${described}', expected 'mse of head(output[T-1])'`);
  }
  const steps = config.number('steps');
  const clipNorm = config.number('clip_norm');
  const parameters = [...layer.parameters(), ...head.parameters()];
  const optimizer = trial.own(optimizerOf(config.text('optimizer'), parameters, config.rest()));
  const input = trial.input('input');
  const target = trial.input('target');
  const losses = Array.from({ length: steps }, () =>
    scope(() => {
      optimizer.zeroGrad();
      const loss = mseLoss(head.forward(select(outputOf(layer, input), 0, -1)), target);
      loss.backward();
      clipGradNorm(parameters, clipNorm);
      optimizer.step();
      return loss.detach();
    }),
  );
  trial.result('out.losses', stack(losses));
}
