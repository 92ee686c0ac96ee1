import { NotOffered, type Library } from '../library.ts';
import type { WorkloadNumbers } from '../numbers.ts';
import { loadPeer, versionOf } from './peer.ts';

interface Net {
  initialize(): void;
  run(sequence: number[][]): number[];
  train(sequences: number[][][], options: { iterations: number; learningRate: number; errorThresh: number }): unknown;
}

/** What is used of `brain.js`: nets over time that predict the next input. */
interface Brain {
  readonly recurrent: Readonly<
    Record<
      'RNNTimeStep' | 'LSTMTimeStep' | 'GRUTimeStep',
      new (options: { inputSize: number; hiddenLayers: number[]; outputSize: number }) => Net
    >
  >;
}

const settings = { iterations: 1, learningRate: 0.001, errorThresh: 0 };

const NOTE = 'predicts the next input, by weights of its own that cannot be set; row after row of the batch';

/**
 * brain.js. It has no batch, takes no weights, and a training step is one pass over the rows with
 * an update after each.
 */
export async function loadBrain(): Promise<Library> {
  const brain = await loadPeer<Brain>('brain.js');
  const nets = {
    rnn: brain.recurrent.RNNTimeStep,
    lstm: brain.recurrent.LSTMTimeStep,
    gru: brain.recurrent.GRUTimeStep,
  };
  return {
    version: versionOf('brain.js'),
    prepare({ workload, kind }, numbers) {
      const { cell, variant, I, H, layers, dirs } = workload;
      if (variant !== undefined || layers > 1 || dirs > 1) throw new NotOffered('no such net');
      if (kind === 'step' || kind === 'product') throw new NotOffered('whole sequences only');
      const net = new nets[cell]({ inputSize: I, hiddenLayers: [H], outputSize: I });
      net.initialize();
      const rows = rowsOf(numbers);
      // A net that was never trained does not run.
      net.train(rows.slice(0, 1), settings);
      const run =
        kind === 'forward'
          ? (): void => {
              for (const row of rows) net.run(row);
            }
          : (): unknown => net.train(rows, settings);
      return [{ note: NOTE, run }];
    },
  };
}

/** Every row of the batch as lists of numbers, `[B][T][I]`. */
function rowsOf({ x }: WorkloadNumbers): number[][][] {
  const [T, B, I] = x.shape;
  return Array.from({ length: B }, (_, b) =>
    Array.from({ length: T }, (_, t) => Array.from(x.values.subarray((t * B + b) * I, (t * B + b + 1) * I))),
  );
}
