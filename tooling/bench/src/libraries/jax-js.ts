import { checkTraining, NotOffered, type Job, type Library } from '../library.ts';
import type { Numbers, WorkloadNumbers } from '../numbers.ts';
import type { Workload } from '../workload.ts';
import { loadPeer, versionOf } from './peer.ts';

/** An array of jax-js. Every use consumes it; `ref` is one use more. */
interface JaxArray {
  readonly ref: JaxArray;
  readonly shape: readonly number[];
  add(other: JaxArray | number): JaxArray;
  sub(other: JaxArray | number): JaxArray;
  mul(other: JaxArray | number): JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  transpose(): JaxArray;
  slice(...index: (number | [] | [number, number])[]): JaxArray;
  dataSync(): Float32Array;
  dispose(): void;
}

type Compiled<A extends unknown[], R> = (...args: A) => R;

/** What is used of `@jax-js/jax`. */
interface Jax {
  init(...devices: string[]): Promise<string[]>;
  defaultDevice(device: string): string;
  jit<A extends unknown[], R>(f: (...args: A) => R): Compiled<A, R>;
  valueAndGrad<P, A extends unknown[]>(
    f: (parameters: P, ...args: A) => JaxArray,
  ): (parameters: P, ...args: A) => [JaxArray, P];
  readonly numpy: {
    array(values: Float32Array, options: { shape: readonly number[] }): JaxArray;
    zeros(shape: readonly number[]): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    tanh(x: JaxArray): JaxArray;
    stack(arrays: JaxArray[], axis?: number): JaxArray;
    concatenate(arrays: JaxArray[], axis: number): JaxArray;
    mean(x: JaxArray): JaxArray;
    sqrt(x: JaxArray): JaxArray;
    square(x: JaxArray): JaxArray;
    reciprocal(x: JaxArray): JaxArray;
  };
  readonly nn: { sigmoid(x: JaxArray): JaxArray; logSoftmax(x: JaxArray, axis: number): JaxArray };
}

type Parameters = Record<string, JaxArray>;

/**
 * jax-js on WebAssembly. It has no scan, so the loop over time is unrolled and compiled as a whole.
 */
export async function loadJaxJs(): Promise<Library> {
  const jax = await loadPeer<Jax>('@jax-js/jax');
  const devices = await jax.init('wasm');
  if (!devices.includes('wasm')) throw new Error('jax-js has no wasm device');
  jax.defaultDevice('wasm');
  return {
    version: `${versionOf('@jax-js/jax')}, wasm`,
    prepare({ workload, kind }, numbers) {
      if (workload.variant !== undefined || kind === 'product') throw new NotOffered('not compared');
      const model = new Model(jax, workload, numbers);
      return [{ forward: () => model.forward(), step: () => model.step(), train: () => model.train() }[kind]()];
    },
  };
}

class Model {
  private readonly jax: Jax;
  private readonly workload: Workload;
  private readonly numbers: WorkloadNumbers;

  constructor(jax: Jax, workload: Workload, numbers: WorkloadNumbers) {
    this.jax = jax;
    this.workload = workload;
    this.numbers = numbers;
  }

  private array({ values, shape }: Numbers): JaxArray {
    return this.jax.numpy.array(values, { shape });
  }

  private parameters(): Parameters {
    const parameters = Object.fromEntries(
      [...this.numbers.weights].map(([name, numbers]) => [name, this.array(numbers)]),
    );
    const { head } = this.numbers;
    return head === undefined
      ? parameters
      : { ...parameters, headWeight: this.array(head.weight), headBias: this.array(head.bias) };
  }

  /** A use more of every parameter. */
  private static used(parameters: Parameters): Parameters {
    return Object.fromEntries(Object.entries(parameters).map(([name, array]) => [name, array.ref]));
  }

  /** One step; consumes `input` (W_ih x + b_ih) and the state, not the weights. */
  private next(weightHh: JaxArray, biasHh: JaxArray, input: JaxArray, state: readonly JaxArray[]): JaxArray[] {
    const { numpy: np, nn } = this.jax;
    const { cell, H } = this.workload;
    const [h, c] = state;
    const recurrent = np.matmul(h.ref, weightHh.ref.transpose()).add(biasHh.ref);
    const gate = (from: JaxArray, n: number): JaxArray => from.ref.slice([], [n * H, (n + 1) * H]);
    if (cell === 'rnn') {
      h.dispose();
      return [np.tanh(input.add(recurrent))];
    }
    if (cell === 'lstm') {
      h.dispose();
      const gates = input.add(recurrent);
      const [i, f, g, o] = [0, 1, 2, 3].map((n) => gate(gates, n));
      gates.dispose();
      const next = nn
        .sigmoid(f)
        .mul(c)
        .add(nn.sigmoid(i).mul(np.tanh(g)));
      return [nn.sigmoid(o).mul(np.tanh(next.ref)), next];
    }
    const [xr, xz, xn] = [0, 1, 2].map((n) => gate(input, n));
    const [hr, hz, hn] = [0, 1, 2].map((n) => gate(recurrent, n));
    input.dispose();
    recurrent.dispose();
    const r = nn.sigmoid(xr.add(hr));
    const z = nn.sigmoid(xz.add(hz));
    const n = np.tanh(xn.add(r.mul(hn)));
    // (1 - z) n + z h, with one product less.
    return [n.ref.add(z.mul(h.sub(n)))];
  }

  private zero(): JaxArray[] {
    const { B, H, cell } = this.workload;
    const { numpy: np } = this.jax;
    return cell === 'lstm' ? [np.zeros([B, H]), np.zeros([B, H])] : [np.zeros([B, H])];
  }

  /** The whole sequence; consumes `x`, not the parameters. */
  private sequence(parameters: Parameters, x: JaxArray): JaxArray {
    const { layers, dirs, T, B } = this.workload;
    const { numpy: np } = this.jax;
    let current = x;
    for (let layer = 0; layer < layers; layer++) {
      const suffixes = [`_l${layer}`, `_l${layer}_reverse`].slice(0, dirs);
      const below = current;
      const outputs = suffixes.map((suffix, d) => {
        const [wIh, wHh, bIh, bHh] = ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].map(
          (name) => parameters[name + suffix],
        );
        const flat = below.ref.reshape([T * B, below.shape[2]]);
        const inputs = np.matmul(flat, wIh.ref.transpose()).add(bIh.ref).reshape([T, B, wIh.shape[0]]);
        let state = this.zero();
        const ys = new Array<JaxArray>(T);
        for (let n = 0; n < T; n++) {
          const t = d === 1 ? T - 1 - n : n;
          state = this.next(wHh, bHh, inputs.ref.slice(t), state);
          ys[t] = state[0].ref;
        }
        inputs.dispose();
        for (const array of state) array.dispose();
        return np.stack(ys);
      });
      below.dispose();
      current = outputs.length === 1 ? outputs[0] : np.concatenate(outputs, 2);
    }
    return current;
  }

  forward(): Job {
    const parameters = this.parameters();
    const x = this.array(this.numbers.x);
    const compiled = this.jax.jit((p: Parameters, x: JaxArray) => {
      const output = this.sequence(p, x);
      for (const array of Object.values(p)) array.dispose();
      return output;
    });
    const run = (): Float32Array => compiled(Model.used(parameters), x.ref).dataSync();
    return { run, check: () => Float32Array.from(run()) };
  }

  step(): Job {
    const { jax, workload, numbers } = this;
    const { I, H, stream = 1 } = workload;
    const { numpy: np } = jax;
    const inputs = Array.from({ length: stream }, (_, n) => numbers.x.values.slice(n * I, (n + 1) * I));
    const parameters = this.parameters();
    const compiled = jax.jit((p: Parameters, x: JaxArray, state: JaxArray[]) => {
      const input = np.matmul(x, p.weight_ih_l0.transpose()).add(p.bias_ih_l0);
      const after = this.next(p.weight_hh_l0, p.bias_hh_l0, input, state);
      p.weight_hh_l0.dispose();
      p.bias_hh_l0.dispose();
      return after;
    });
    let state = this.zero();
    let n = 0;
    const run = (): Float32Array => {
      state = compiled(Model.used(parameters), np.array(inputs[n++ % stream], { shape: [1, I] }), state);
      return state[0].ref.dataSync();
    };
    return {
      run,
      check: () => {
        const outputs = new Float32Array(stream * H);
        state = this.zero();
        n = 0;
        for (let t = 0; t < stream; t++) outputs.set(run(), t * H);
        return outputs;
      },
    };
  }

  train(): Job {
    const { jax, workload, numbers } = this;
    const { loss, lr = 0, T, B, H } = workload;
    if (loss === 'xent') throw new NotOffered('not compared');
    const { numpy: np } = jax;
    const x = this.array(numbers.x);
    const target = this.array(numbers.target);
    const cost = (p: Parameters, x: JaxArray, target: JaxArray): JaxArray =>
      np.mean(np.square(this.sequence(p, x).sub(target)).reshape([T * B * H]));
    const compiled = jax.jit((p: Parameters, x: JaxArray, target: JaxArray): [JaxArray, Parameters] => {
      const [value, gradients] = jax.valueAndGrad(cost)(Model.used(p), x, target);
      const updated = Object.entries(p).map(([name, array]) => [name, array.sub(gradients[name].mul(lr))] as const);
      return [value, Object.fromEntries(updated)];
    });
    let parameters = this.parameters();
    const run = (): number => {
      const [value, updated] = compiled(parameters, x.ref, target.ref);
      parameters = updated;
      return value.dataSync()[0];
    };
    const names = Object.keys(parameters);
    return { run, check: () => checkTraining(run, () => names.map((name) => parameters[name].ref.dataSync())) };
  }
}
