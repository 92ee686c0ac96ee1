/**
 * What is timed: inference of a whole sequence, one step of a stream, a training step, or the input
 * product by itself.
 */
export type Kind = 'forward' | 'step' | 'train' | 'product';

export const kinds: readonly Kind[] = ['forward', 'step', 'train', 'product'];

/** A fixed piece of work; the README explains the fields. */
export interface Workload {
  readonly id: string;
  readonly title: string;
  readonly cell: 'rnn' | 'lstm' | 'gru';
  /**
   * Not the built-in layer: a module as a user writes it, run by `Recurrent`, in which only this
   * project takes part; or the built-in cell, called step by step in a loop, as PyTorch's lessons
   * print it; or the layer behind `stream`, which keeps its state.
   */
  readonly variant?: 'user-written' | 'layer-normalised' | 'heads' | 'by-hand' | 'stream';
  /** Of the variant `heads`: in how many parts the state meets the recurrent weights. */
  readonly heads?: number;
  /** Rows of the batch, features of the input, hidden units, time steps. */
  readonly B: number;
  readonly I: number;
  readonly H: number;
  readonly T: number;
  readonly layers: number;
  readonly dirs: 1 | 2;
  /** Steps after which a stream is checked. */
  readonly stream?: number;
  readonly kinds: readonly Kind[];
  readonly loss?: 'mse' | 'xent';
  readonly lr?: number;
  /** Classes of the linear head of `xent`. */
  readonly vocab?: number;
}

/** One cell of the table's first column: a workload and a kind. */
export interface Task {
  readonly workload: Workload;
  readonly kind: Kind;
}

export const gatesOf = ({ cell }: Workload): number => ({ rnn: 1, lstm: 4, gru: 3 })[cell];

export const nameOf = ({ workload, kind }: Task): string => `${workload.id} ${kind}`;

/**
 * Floating point operations in matrix products, 2 for a multiplication with addition; elementwise
 * work is not counted.
 *
 * A training step needs the input product twice (itself, and the weights' gradient; nobody asks for
 * the input's) and the recurrent one three times (itself, the state's gradient, the weights'). A
 * head's product counts three times too.
 */
export function flopsOf({ workload, kind }: Task): number {
  const { B, I, H, T, layers, dirs, heads = 1, vocab = 0 } = workload;
  const rows = 2 * B * T;
  const gates = gatesOf(workload) * H;
  if (kind === 'product') return rows * I * gates;
  const train = kind === 'train';
  let total = train ? 3 * rows * H * vocab : 0;
  for (let layer = 0; layer < layers; layer++) {
    const below = layer === 0 ? I : dirs * H;
    const inputProducts = train ? (layer === 0 ? 2 : 3) : 1;
    total += dirs * rows * gates * (inputProducts * below + ((train ? 3 : 1) * H) / heads);
  }
  return total;
}
