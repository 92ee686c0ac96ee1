/** Cells as steps of a scan, and their results and gradients on a backend. */
import {
  fromData,
  Generator,
  grad,
  linear,
  mul,
  scan,
  scope,
  setBackend,
  sigmoid,
  softmax,
  sub,
  tanh,
  type Backend,
  type DType,
  type ScanOptions,
  type Shape,
  type Tensor,
} from '@rnn/core';

type States = readonly Tensor[];

/**
 * A cell: shapes of its weights and states for an input of I features and H units, and its step.
 */
export interface TestCell {
  readonly weights: (inputs: number, units: number) => readonly Shape[];
  readonly states: number;
  readonly step: (weights: readonly Tensor[], x: Tensor, states: States) => readonly [Tensor, States];
}

function normalized(x: Tensor): Tensor {
  const centred = sub(x, x.mean(-1, true));
  return centred.div(centred.square().mean(-1, true).add(1e-5).sqrt());
}

function lstm(sums: Tensor, c: Tensor, view: (c: Tensor) => Tensor = (x) => x): readonly [Tensor, States] {
  const [i, f, g, o] = sums.chunk(4, -1);
  const next = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
  const h = o.sigmoid().mul(view(next).tanh());
  return [h, [h, next]];
}

export const cells: Readonly<Record<'rnn' | 'lstm' | 'gru' | 'layerNormLstm' | 'attentive', TestCell>> = {
  rnn: {
    weights: (I, H) => [[H, I], [H], [H, H]],
    states: 1,
    step([wx, b, wh], x, [h]) {
      const next = tanh(linear(x, wx, b).add(linear(h, wh)));
      return [next, [next]];
    },
  },
  lstm: {
    weights: (I, H) => [[4 * H, I], [4 * H], [4 * H, H]],
    states: 2,
    step: ([wx, b, wh], x, [h, c]) => lstm(linear(x, wx, b).add(linear(h, wh)), c),
  },
  gru: {
    weights: (I, H) => [[3 * H, I], [3 * H], [3 * H, H], [3 * H]],
    states: 1,
    step([wx, bx, wh, bh], x, [h]) {
      const [rx, zx, nx] = linear(x, wx, bx).chunk(3, -1);
      const [rh, zh, nh] = linear(h, wh, bh).chunk(3, -1);
      const z = sigmoid(zx.add(zh));
      const n = tanh(nx.add(sigmoid(rx.add(rh)).mul(nh)));
      const next = n.add(z.mul(h.sub(n)));
      return [next, [next]];
    },
  },
  layerNormLstm: {
    weights: (I, H) => [[4 * H, I], [4 * H], [4 * H, H]],
    states: 2,
    step: ([wx, b, wh], x, [h, c]) =>
      lstm(
        normalized(linear(x, wx))
          .add(normalized(linear(h, wh)))
          .add(b),
        c,
        normalized,
      ),
  },
  attentive: {
    weights: (I, H) => [[H, I], [H], [H, H]],
    states: 1,
    step([wx, b, wh], x, [h]) {
      const next = mul(softmax(linear(h, wh), -1), tanh(linear(x, wx, b))).add(h.mul(0.5));
      return [next, [next]];
    },
  },
};

/** What a cell is run on. */
export interface Setting {
  readonly steps: number;
  readonly rows: number;
  readonly inputs: number;
  readonly units: number;
  readonly options?: ScanOptions;
}

/** Numbers of outputs, last states and all gradients, in the same order on every backend. */
export async function runCell(
  backend: Backend,
  dtype: DType,
  cell: TestCell,
  { steps, rows, inputs, units, options }: Setting,
): Promise<ArrayLike<number>[]> {
  setBackend(backend);
  const generator = new Generator(7);
  const draw = (shape: Shape, scale: number, requiresGrad: boolean): Tensor => {
    const values = new Float32Array(shape.reduce((size, each) => size * each, 1));
    generator.uniform(values, -scale, scale);
    return fromData(dtype === 'float64' ? Float64Array.from(values) : values, shape, { requiresGrad });
  };
  const kept = scope(() => {
    const weights = cell.weights(inputs, units).map((shape) => draw(shape, 0.5, true));
    const x = draw([steps, rows, inputs], 1, true);
    const state = Array.from({ length: cell.states }, () => draw([rows, units], 1, true));
    const [y, last] = scan((input: Tensor, states: States) => cell.step(weights, input, states), x, state, options);
    const results = [y, ...last];
    const loss = results.map((result) => result.mul(draw(result.shape, 1, false)).sum()).reduce((a, b) => a.add(b));
    const gradients = grad(loss, [...weights, x, ...state]);
    return [...results, ...gradients].map((tensor) => tensor.detach());
  });
  const numbers = await Promise.all(kept.map((tensor) => tensor.data()));
  for (const tensor of kept) tensor.dispose();
  return numbers;
}

/** The largest |found - exact| / max(1, |exact|); infinite where something is not a number. */
export function worstError(found: readonly ArrayLike<number>[], exact: readonly ArrayLike<number>[]): number {
  let worst = 0;
  exact.forEach((values, i) => {
    for (let j = 0; j < values.length; j++) {
      const error = Math.abs(found[i][j] - values[j]) / Math.max(1, Math.abs(values[j]));
      worst = error <= worst ? worst : Number.isNaN(error) ? Infinity : error;
    }
  });
  return worst;
}
