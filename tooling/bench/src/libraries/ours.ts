import {
  fromData,
  hostArray,
  linear,
  noGrad,
  scope,
  type Backend,
  type DType,
  type Tensor,
  type TypedArray,
} from '@rnn/core';
import {
  crossEntropy,
  GRU,
  GRUCell,
  Linear,
  LSTM,
  LSTMCell,
  mseLoss,
  Recurrent,
  RNN,
  RNNCell,
  type LSTMState,
  type StateDict,
} from '@rnn/nn';
import { Adam, SGD, stream } from '@rnn/train';
import { checkTraining, type Job, type Library } from '../library.ts';
import type { Numbers, WorkloadNumbers } from '../numbers.ts';
import type { Task, Workload } from '../workload.ts';
import { HeadedLSTM, LayerNormalisedLSTM, LoopByHand, UserLSTM } from './modules.ts';

/** Where and in which precision the work is done. */
export interface Place {
  readonly backend: Backend;
  readonly dtype: DType;
}

/** This project on one backend. */
export function oursOn(place: Place, version: string): Library {
  return {
    version,
    prepare: (task, numbers) => [new Preparation(place, task.workload, numbers).jobs[task.kind]()],
  };
}

/** The tensors of a workload, and the jobs made of them. */
class Preparation {
  readonly jobs: Readonly<Record<Task['kind'], () => Job>> = {
    forward: () => this.forward(),
    step: () => this.step(),
    train: () => this.train(),
    product: () => this.product(),
  };
  private readonly place: Place;
  private readonly workload: Workload;
  private readonly numbers: WorkloadNumbers;

  constructor(place: Place, workload: Workload, numbers: WorkloadNumbers) {
    this.place = place;
    this.workload = workload;
    this.numbers = numbers;
  }

  /**
   * What `make` computes, read: at once where the backend can, since waiting would be a good part
   * of a short task.
   */
  private readOf(make: () => Tensor): TypedArray | Promise<TypedArray> {
    if (this.place.backend.info.synchronous) return scope(() => make().dataSync());
    const result = scope(make);
    return result.data().finally(() => result.dispose());
  }

  private tensor({ values, shape }: Numbers): Tensor {
    return fromData(values, shape, this.place);
  }

  private weights(rename: (name: string) => string = (name) => name): StateDict {
    const entries = [...this.numbers.weights].map(([name, numbers]) => [rename(name), this.tensor(numbers)] as const);
    return Object.fromEntries(entries);
  }

  /** A module from the input to the output sequence. */
  private layer(): { forward(x: Tensor): readonly [Tensor, unknown]; parameters(): Tensor[] } {
    const { workload, place } = this;
    const { I, H, layers, dirs, heads = 1, cell, variant } = workload;
    if (variant === 'by-hand') {
      const cell = new RNNCell(I, H, place);
      cell.loadStateDict(this.weights((name) => name.replace('_l0', '')));
      return new LoopByHand(cell);
    }
    if (variant === 'user-written' || variant === 'layer-normalised' || variant === 'heads') {
      const own = {
        'user-written': () => new UserLSTM(I, H, place),
        'layer-normalised': () => new LayerNormalisedLSTM(I, H, place),
        heads: () => new HeadedLSTM(I, H, place, heads),
      }[variant]();
      own.loadStateDict(this.weights((name) => name.replace('_l0', '')));
      return new Recurrent<LSTMState>(own);
    }
    const options = { numLayers: layers, bidirectional: dirs === 2, ...place };
    const layer = {
      rnn: () => new RNN(I, H, options),
      lstm: () => new LSTM(I, H, options),
      gru: () => new GRU(I, H, options),
    }[cell]();
    layer.loadStateDict(this.weights());
    return layer;
  }

  private forward(): Job {
    const layer = this.layer();
    const x = this.tensor(this.numbers.x);
    const run = (): TypedArray | Promise<TypedArray> => this.readOf(() => noGrad(() => layer.forward(x)[0]));
    return { run, check: async () => Float32Array.from(await run()) };
  }

  private step(): Job {
    const { place, workload, numbers } = this;
    const { I, H, cell, stream: length = 1 } = workload;
    const inputs = Array.from({ length }, (_, n) => numbers.x.values.slice(n * I, (n + 1) * I));
    if (workload.variant === 'stream') return this.streamed(inputs);
    const weights = this.weights((name) => name.replace('_l0', ''));
    let next: (x: Tensor) => Tensor;
    let reset: () => void;
    // The state of a stream outlives the scope of a step.
    if (cell === 'lstm') {
      const module = new LSTMCell(I, H, place);
      module.loadStateDict(weights);
      let state: LSTMState = module.initialState(1);
      next = (x) => {
        const before = state;
        state = module.forward(x, state);
        for (const tensor of state) tensor.keep();
        for (const tensor of before) tensor.dispose();
        return state[0];
      };
      reset = () => (state = module.initialState(1));
    } else {
      const module = cell === 'gru' ? new GRUCell(I, H, place) : new RNNCell(I, H, place);
      module.loadStateDict(weights);
      let state = module.initialState(1);
      next = (x) => {
        const before = state;
        state = module.forward(x, state).keep();
        before.dispose();
        return state;
      };
      reset = () => (state = module.initialState(1));
    }
    let n = 0;
    // Kept by the stream itself, so that what is read here may not be disposed of.
    const run = (): TypedArray | Promise<TypedArray> => {
      const h = noGrad(() => scope(() => next(fromData(inputs[n++ % length], [1, I], place))));
      return place.backend.info.synchronous ? h.dataSync() : h.data();
    };
    return {
      run,
      check: async () => {
        const outputs = new Float32Array(length * H);
        reset();
        n = 0;
        for (let t = 0; t < length; t++) outputs.set(await run(), t * H);
        return outputs;
      },
    };
  }

  /** Steps of a layer behind `stream`. */
  private streamed(inputs: readonly TypedArray[]): Job {
    const { place, workload } = this;
    const layer = new LSTM(workload.I, workload.H, place);
    layer.loadStateDict(this.weights());
    const sessions = stream(layer);
    const samples = inputs.map((values) => hostArray(place.dtype, values));
    let n = 0;
    const run = (): TypedArray | Promise<TypedArray> => {
      const sample = samples[n++ % samples.length];
      return place.backend.info.synchronous ? sessions.pushSync(sample) : sessions.push(sample);
    };
    return {
      run,
      check: async () => {
        const outputs = new Float32Array(samples.length * workload.H);
        sessions.drop();
        n = 0;
        for (let t = 0; t < samples.length; t++) outputs.set(await run(), t * workload.H);
        return outputs;
      },
    };
  }

  private train(): Job {
    const { workload, numbers, place } = this;
    const { H, lr, loss: kind, vocab } = workload;
    const layer = this.layer();
    const x = this.tensor(numbers.x);
    const parameters = layer.parameters();
    let lossOf: (output: Tensor) => Tensor;
    if (kind === 'xent' && vocab !== undefined && numbers.head !== undefined) {
      const head = new Linear(H, vocab, place);
      head.loadStateDict({ weight: this.tensor(numbers.head.weight), bias: this.tensor(numbers.head.bias) });
      const classes = fromData(numbers.classes, [numbers.classes.length], { backend: place.backend, dtype: 'int32' });
      parameters.push(...head.parameters());
      lossOf = (output) => crossEntropy(head.forward(output).reshape([-1, vocab]), classes);
    } else {
      const target = this.tensor(numbers.target);
      lossOf = (output) => mseLoss(output, target);
    }
    const optimizer = kind === 'xent' ? new Adam(parameters, { lr }) : new SGD(parameters, { lr });
    const step = (): Tensor => {
      const loss = lossOf(layer.forward(x)[0]);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss;
    };
    const valueOf = ([value]: TypedArray): number => value;
    const run = (): number | Promise<number> => {
      const loss = this.readOf(step);
      return loss instanceof Promise ? loss.then(valueOf) : valueOf(loss);
    };
    return {
      run,
      check: () => checkTraining(run, () => Promise.all(parameters.map((parameter) => parameter.data()))),
      keptBytes: () => {
        optimizer.zeroGrad();
        const { backend } = place;
        const before = backend.memory().bytes;
        return scope(() => {
          const loss = lossOf(layer.forward(x)[0]);
          const kept = backend.memory().bytes - before;
          loss.backward();
          return kept;
        });
      },
    };
  }

  private product(): Job {
    const { workload, numbers } = this;
    const { B, T, I } = workload;
    const weight = numbers.weights.get('weight_ih_l0');
    if (weight === undefined) throw new Error('a product needs weight_ih_l0');
    const x = this.tensor({ values: numbers.x.values, shape: [T * B, I] });
    const w = this.tensor(weight);
    // Nobody reads so large a product, and copying it out would be a good part of the time. A
    // graphics card is only asked by it to begin, so there one element is waited for.
    const run =
      this.place.backend.info.simd === 'gpu'
        ? (): unknown => this.readOf(() => noGrad(() => linear(x, w).slice(0, 0, 1).slice(1, 0, 1)))
        : (): void => noGrad(() => scope(() => void linear(x, w)));
    return { run, check: async () => Float32Array.from(await this.readOf(() => noGrad(() => linear(x, w)))) };
  }
}
