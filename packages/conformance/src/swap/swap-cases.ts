/** A training that moves from backend to backend goes on as if it had stayed. */
import { fromData, manualSeed, scope, type Backend, type Tensor } from '@rnn/core';
import { GRU, LayerNormLSTMCell, Linear, LSTM, Module, mseLoss, Recurrent, type LSTMState } from '@rnn/nn';
import { Adam, clipGradNorm, RMSprop, SGD, type Optimizer } from '@rnn/train';
import { defineCase, type ConformanceCase } from '../case.js';
import type { Checks } from '../checks.js';
import { onFresh } from '../kernels/storage.js';
import type { BackendFactory } from '../run.js';

/** How far loss and weights may come apart over all steps. */
const TOLERANCE = 1e-4;
/** Steps on each backend of the way. */
const STEPS = 50;

const [T, B, I, H] = [7, 6, 3, 8];
const lengths = [7, 3, 5, 1, 7, 2];

/** A recurrent part with a linear one on top of it. */
abstract class Regression extends Module {
  readonly head: Linear;

  constructor(backend: Backend) {
    super();
    this.head = new Linear(H, 1, { backend });
  }

  /** `[T, B, I]` -> `[B, 1]` */
  abstract override forward(x: Tensor): Tensor;
}

class LSTMRegression extends Regression {
  readonly layer: LSTM;

  constructor(backend: Backend) {
    super(backend);
    this.layer = new LSTM(I, H, { numLayers: 2, dropout: 0.2, backend });
  }

  forward(x: Tensor): Tensor {
    const [, [h]] = this.layer.forward(x, undefined, { lengths });
    return this.head.forward(h.select(0, 1));
  }
}

class GRURegression extends Regression {
  readonly layer: GRU;

  constructor(backend: Backend) {
    super(backend);
    this.layer = new GRU(I, H, { backend });
  }

  forward(x: Tensor): Tensor {
    return this.head.forward(this.layer.forward(x, undefined, { lengths })[1].select(0, 0));
  }
}

class CellRegression extends Regression {
  readonly layer: Recurrent<LSTMState>;

  constructor(backend: Backend) {
    super(backend);
    this.layer = new Recurrent<LSTMState>(new LayerNormLSTMCell(I, H, { backend, recurrentDropout: 0.2 }));
  }

  forward(x: Tensor): Tensor {
    return this.head.forward(this.layer.forward(x, undefined, { lengths })[0].select(0, 0));
  }
}

/** A model and what trains it. */
interface Trained {
  readonly name: string;
  readonly make: (backend: Backend) => Regression;
  readonly optimizer: (parameters: readonly Tensor[]) => Optimizer;
}

const trainings: readonly Trained[] = [
  {
    name: 'LSTM with dropout, Adam',
    make: (backend) => new LSTMRegression(backend),
    optimizer: (parameters) => new Adam(parameters, { lr: 0.003, amsgrad: true }),
  },
  {
    name: 'GRU, SGD with momentum',
    make: (backend) => new GRURegression(backend),
    optimizer: (parameters) => new SGD(parameters, { lr: 0.01, momentum: 0.9 }),
  },
  {
    name: 'LayerNormLSTMCell with recurrent dropout, RMSprop',
    make: (backend) => new CellRegression(backend),
    optimizer: (parameters) => new RMSprop(parameters, { lr: 0.001, momentum: 0.5 }),
  },
];

/** A way of a training from backend to backend. */
interface Way {
  readonly name: string;
  /** The stations, of the backend under test and the others. */
  readonly stations: (mine: Backend, others: readonly Backend[]) => readonly Backend[];
}

const thereAndBack: readonly Way[] = [
  { name: 'there and back', stations: (mine, others) => [mine, ...others, mine] },
  { name: 'from there and back', stations: (mine, [other]) => [other, mine, other] },
];

const throughAll: readonly Way[] = [
  { name: 'through the others to here', stations: (mine, others) => [...others, mine] },
  { name: 'from here through the others', stations: (mine, others) => [mine, ...others.toReversed()] },
];

/**
 * Trainings that go 50 steps on one backend, then move to another with model and optimiser, and on;
 * against the same training that stays on one of the others.
 * With one other backend there and back, with several through all of them; in both directions, all
 * of them alive at once.
 *
 * @example
 * ```ts
 * await runConformance({ factory: () => wasm(), cases: swapCases(cpu) });
 * ```
 * @param others - make the backends to which trainings move from the one under test, and from which
 *   they come
 * @returns two cases for each kind of training
 */
export function swapCases(...others: readonly [BackendFactory, ...BackendFactory[]]): ConformanceCase[] {
  const ways = others.length === 1 ? thereAndBack : throughAll;
  return trainings.flatMap((trained) =>
    ways.map(({ name, stations }) =>
      defineCase('swap', `${trained.name}: ${name}`, (checks, { create }) =>
        onFresh(create, async (mine) => {
          const made: Backend[] = [];
          try {
            for (const other of others) made.push(await other());
            // The training that stays does so where others compute, which is faster than a device.
            await compare(trained, checks, stations(mine, made), made[0]);
          } finally {
            for (const backend of made) await backend.dispose();
          }
        }),
      ),
    ),
  );
}

/** What a training leaves. */
interface Trace {
  readonly losses: readonly number[];
  readonly weights: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly data: ArrayLike<number>;
  }[];
}

async function compare(trained: Trained, checks: Checks, stations: readonly Backend[], home: Backend): Promise<void> {
  const unbroken = await train(
    trained,
    checks,
    stations.map(() => home),
  );
  const swapped = await train(trained, checks, stations);
  const { losses } = unbroken;
  const last = losses.length - 1;
  checks.fact(`the loss went from ${losses[0]} to ${losses[last]}, expected less`, losses[last] < losses[0]);
  checks.close('loss', swapped.losses, losses, [losses.length], { tolerance: TOLERANCE });
  unbroken.weights.forEach(({ name, shape, data }, i) =>
    checks.close(name, swapped.weights[i].data, data, shape, { tolerance: TOLERANCE }),
  );
}

async function train(
  { make, optimizer: withOptimizer }: Trained,
  checks: Checks,
  places: readonly Backend[],
): Promise<Trace> {
  manualSeed(7);
  const model = make(places[0]);
  const optimizer = withOptimizer(model.parameters());
  const losses: number[] = [];
  for (const [i, place] of places.entries()) {
    const before = places[Math.max(i - 1, 0)];
    if (place !== before) {
      await model.moveTo(place);
      await optimizer.moveTo(place);
      const { storages } = before.memory();
      checks.fact(`${storages} storages stayed behind on '${before.info.name}' after the move`, storages === 0);
    }
    const [x, y] = scope(() => data(place));
    for (let step = 0; step < STEPS; step++) {
      const loss = scope(() => {
        optimizer.zeroGrad();
        const value = mseLoss(model.forward(x), y);
        value.backward();
        clipGradNorm(model.parameters(), 1);
        optimizer.step();
        return value.detach();
      });
      losses.push((await loss.data())[0]);
      loss.dispose();
    }
    for (const tensor of [x, y]) tensor.dispose();
  }
  const weights = [];
  for (const [name, parameter] of model.namedParameters()) {
    weights.push({ name, shape: parameter.shape, data: await parameter.data() });
  }
  for (const resource of [optimizer, model]) resource.dispose();
  for (const place of places) {
    const { storages } = place.memory();
    checks.fact(`${storages} storages are alive on '${place.info.name}' after the training`, storages === 0);
  }
  return { losses, weights };
}

/** Sequences and a target that depends on all of their steps. */
function data(backend: Backend): [x: Tensor, y: Tensor] {
  const numbers = Float32Array.from({ length: T * B * I }, (_, i) => Math.fround((((i * 37) % 101) - 50) / 50));
  const targets = lengths.map((length, row) => {
    let sum = 0;
    for (let t = 0; t < length; t++) sum += numbers[(t * B + row) * I] * (t + 1);
    return Math.fround(sum / length);
  });
  return [fromData(numbers, [T, B, I], { backend }), fromData(targets, [B, 1], { backend })];
}
