/** Cells of every kind, the package's and such as users write. */
import { concat, softmax, softplus, tanh, where, type Backend, type Tensor, type Tensors } from '@rnn/core';
import {
  CoupledLSTMCell,
  GRUCell,
  LayerNorm,
  LayerNormGRUCell,
  LayerNormLSTMCell,
  Linear,
  LSTMCell,
  MGUCell,
  Module,
  PeepholeLSTMCell,
  RNNCell,
  ZoneoutCell,
  type LSTMState,
} from '@rnn/nn';

/** A cell with a list of tensors as its state. */
export interface ListCell extends Module {
  forward(x: Tensor, state: readonly Tensor[]): readonly Tensor[];
}

/** A kind of cell. */
export interface CellKind {
  readonly name: string;
  readonly make: (inputSize: number, hiddenSize: number, backend: Backend) => ListCell;
  /** Widths of the tensors of the state. */
  readonly widths: (hiddenSize: number) => readonly number[];
  /** Whether it normalises over features: with few of them it divides by what may nearly vanish. */
  readonly normalizes?: boolean;
}

interface AnyCell<S extends Tensors> extends Module {
  forward(x: Tensor, state: S): S;
}

/** A cell with a single tensor as its state. */
class Single extends Module implements ListCell {
  readonly cell: AnyCell<Tensor>;

  constructor(cell: AnyCell<Tensor>) {
    super();
    this.cell = cell;
  }

  forward(x: Tensor, [h]: readonly Tensor[]): Tensor[] {
    return [this.cell.forward(x, h)];
  }
}

/** A cell with h and c. */
class Pair extends Module implements ListCell {
  readonly cell: AnyCell<LSTMState>;

  constructor(cell: AnyCell<LSTMState>) {
    super();
    this.cell = cell;
  }

  forward(x: Tensor, [h, c]: readonly Tensor[]): readonly Tensor[] {
    return this.cell.forward(x, [h, c]);
  }
}

/**
 * Two states of different widths, products of concatenations, a norm, a softmax and a choice. The
 * choice looks at the input, which is the same for all arithmetic; one by a computed value might
 * rightly turn out otherwise.
 */
class OwnCell extends Module implements ListCell {
  readonly lift: Linear;
  readonly fast: Linear;
  readonly slow: Linear;
  readonly norm: LayerNorm;

  constructor(inputSize: number, hiddenSize: number, backend: Backend) {
    super();
    this.lift = new Linear(inputSize, 4, { backend });
    this.fast = new Linear(4 + 2 * hiddenSize + 3, hiddenSize, { backend });
    this.slow = new Linear(hiddenSize + 3, 3, { backend, bias: false });
    this.norm = new LayerNorm(hiddenSize, { backend, eps: 0.1 });
  }

  forward(x: Tensor, [fast, slow]: readonly Tensor[]): Tensor[] {
    const lifted = tanh(this.lift.forward(x));
    const next = tanh(this.norm.forward(this.fast.forward(concat([lifted, fast, softplus(fast), slow], -1))));
    const shares = softmax(this.slow.forward(concat([next, slow], -1)), -1);
    return [next, where(x.narrow(-1, 0, 1).gt(0), shares.mul(slow).add(0.1), slow.mul(0.5))];
  }
}

const one = (hiddenSize: number): number[] => [hiddenSize];
const two = (hiddenSize: number): number[] => [hiddenSize, hiddenSize];

/**
 * Every kind, apart from those with kinks, at whose sides derivatives differ: the reference cases
 * have them.
 */
export const cellKinds: readonly CellKind[] = [
  { name: 'RNNCell', widths: one, make: (i, h, backend) => new Single(new RNNCell(i, h, { backend })) },
  { name: 'LSTMCell', widths: two, make: (i, h, backend) => new Pair(new LSTMCell(i, h, { backend })) },
  { name: 'GRUCell', widths: one, make: (i, h, backend) => new Single(new GRUCell(i, h, { backend })) },
  {
    name: 'GRUCell, reset before the product',
    widths: one,
    make: (i, h, backend) => new Single(new GRUCell(i, h, { backend, resetAfter: false })),
  },
  { name: 'MGUCell', widths: one, make: (i, h, backend) => new Single(new MGUCell(i, h, { backend })) },
  { name: 'CoupledLSTMCell', widths: two, make: (i, h, backend) => new Pair(new CoupledLSTMCell(i, h, { backend })) },
  { name: 'PeepholeLSTMCell', widths: two, make: (i, h, backend) => new Pair(new PeepholeLSTMCell(i, h, { backend })) },
  {
    name: 'LayerNormLSTMCell',
    widths: two,
    normalizes: true,
    make: (i, h, backend) => new Pair(new LayerNormLSTMCell(i, h, { backend, eps: 0.1 })),
  },
  {
    name: 'LayerNormGRUCell',
    widths: one,
    normalizes: true,
    make: (i, h, backend) => new Single(new LayerNormGRUCell(i, h, { backend, eps: 0.1 })),
  },
  {
    name: 'LSTMCell with zoneout',
    widths: two,
    make: (i, h, backend) => new Pair(new ZoneoutCell<LSTMState>(new LSTMCell(i, h, { backend }), { p: [0.2, 0.5] })),
  },
  {
    name: 'LSTMCell with dropout of candidates',
    widths: two,
    make: (i, h, backend) => new Pair(new LSTMCell(i, h, { backend, recurrentDropout: 0.4 })),
  },
  {
    name: 'GRUCell with dropout of the state, one mask a sequence',
    widths: one,
    make: (i, h, backend) =>
      new Single(new GRUCell(i, h, { backend, recurrentDropout: { p: 0.3, on: 'state', perSequence: true } })),
  },
  {
    name: 'a cell of one’s own',
    widths: (h) => [h, 3],
    normalizes: true,
    make: (i, h, backend) => new OwnCell(i, h, backend),
  },
];
