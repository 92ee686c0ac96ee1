import {
  argmax,
  checkLengths,
  detach,
  expand,
  fromData,
  indexSelect,
  type Lengths,
  slice,
  type Tensor,
  type Tree,
} from '@rnn/core';
import { checkCount, checkNumber, checkOptions } from '@rnn/core/checks';
import { Evaluation } from '../evaluation.js';
import { disposeTree, keptTree, mapTree } from '../tree.js';
import { searchBeams, type BeamSettings } from '../sequences/beams.js';
import { logProbabilities } from '../sequences/next-token.js';
import { checkSource } from './seq2seq-checks.js';
import type { Decoder, DecoderState, Encoded } from './decoder.js';

export interface DecodeOptions {
  /** Steps of each source. */
  readonly lengths?: Lengths;
  /** Symbols at most; 100 unless given. */
  readonly maxTokens?: number;
  /**
   * How many continuations are followed side by side; 1 unless given: the best symbol at each step.
   */
  readonly beams?: number;
  /**
   * A target of n symbols is ranked by its log probability by n to this power; 0, the plain one,
   * unless given.
   */
  readonly lengthPenalty?: number;
}

/** Says the targets of sources; see `Seq2Seq.decode`. */
export async function decoded(model: Decoder, source: Tensor, options: DecodeOptions): Promise<number[][]> {
  const owner = 'Seq2Seq.decode';
  checkOptions(owner, options, ['lengths', 'maxTokens', 'beams', 'lengthPenalty']);
  const { lengths, maxTokens = 100, beams = 1, lengthPenalty = 0 } = options;
  checkSource(owner, model, source);
  checkCount(owner, 'maxTokens', maxTokens, 1);
  checkCount(owner, 'beams', beams, 1);
  checkNumber(owner, 'lengthPenalty', lengthPenalty, { from: 0 });
  const [steps, batch] = source.shape;
  const list = lengths && checkLengths(owner, lengths, batch, steps);
  const run = new DecoderRun(model);
  const encoded = run.encode(source, list);
  try {
    if (beams === 1) return await greedy(run, encoded, batch, maxTokens);
    const targets: number[][] = [];
    for (let row = 0; row < batch; row++)
      targets.push([...(await beam(run, encoded, row, { maxTokens, beams, lengthPenalty }))]);
    return targets;
  } finally {
    disposeEncoded(encoded);
  }
}

/** The best symbol at each step, of all rows side by side. */
async function greedy(run: DecoderRun, encoded: Encoded, batch: number, maxTokens: number): Promise<number[][]> {
  const { eos } = run.model;
  const targets = Array.from({ length: batch }, (): number[] => []);
  const isDone = targets.map(() => false);
  let before = Array.from({ length: batch }, () => run.model.bos);
  let state = run.copied(encoded.state);
  try {
    for (let n = 0; n < maxTokens && isDone.includes(false); n++) {
      const [best, next] = run.step(before, state, encoded, (scores) => argmax(scores, 2));
      disposeTree(state);
      state = next;
      before = Array.from(await readAndDispose(best));
      before.forEach((token, row) => {
        isDone[row] ||= token === eos;
        if (!isDone[row]) targets[row].push(token);
      });
    }
    return targets;
  } finally {
    disposeTree(state);
  }
}

/** The most probable target of one source that a beam search finds. */
async function beam(
  run: DecoderRun,
  encoded: Encoded,
  row: number,
  settings: Omit<BeamSettings, 'stop'>,
): Promise<readonly number[]> {
  const { bos, eos } = run.model;
  let state = run.chosen(encoded.state, [row]);
  try {
    const [{ tokens }] = await searchBeams({ ...settings, stop: eos }, async (tokens = [bos], parents) => {
      const chosen = run.chosen(state, parents);
      const own = run.memoryOf(encoded, row, parents.length);
      try {
        const [scores, next] = run.step(tokens, chosen, own, (all) => all);
        disposeTree(state);
        state = next;
        const values = await readAndDispose(scores);
        const width = values.length / parents.length;
        return parents.map((_, i) => logProbabilities(values.subarray(i * width, (i + 1) * width)));
      } finally {
        disposeTree(chosen);
        disposeEncoded(own);
      }
    });
    return tokens;
  } finally {
    disposeTree(state);
  }
}

/** A decoder in evaluation mode, unrecorded. The caller frees what it gives. */
class DecoderRun {
  readonly model: Decoder;
  private readonly evaluation: Evaluation;

  constructor(model: Decoder) {
    this.model = model;
    this.evaluation = new Evaluation(model);
  }

  encode(source: Tensor, lengths: Lengths | undefined): Encoded {
    return this.evaluation.run(() => kept(this.model.encode(source, lengths)));
  }

  step(
    before: readonly number[],
    state: DecoderState,
    encoded: Encoded,
    of: (scores: Tensor) => Tensor,
  ): [result: Tensor, state: DecoderState] {
    return this.evaluation.run(() => {
      const { backend } = encoded.memory;
      const tokens = fromData(Int32Array.from(before), [1, before.length], { backend });
      const [scores, next] = this.model.decodeSteps(tokens, state, encoded);
      return [detach(of(scores)).keep(), keptTree(next)];
    });
  }

  copied(state: DecoderState): DecoderState {
    return this.evaluation.run(() => keptTree(state));
  }

  /** Some rows of a state. */
  chosen(state: DecoderState, rows: readonly number[]): DecoderState {
    return this.evaluation.run(
      () =>
        mapTree(state as Tree, (part) => {
          const index = fromData(Int32Array.from(rows), [rows.length], { backend: part.backend });
          return indexSelect(part, 1, index).keep();
        }) as DecoderState,
    );
  }

  /** One source for so many paths. */
  memoryOf({ memory, keys, lengths, state }: Encoded, row: number, count: number): Encoded {
    const spread = (part: Tensor): Tensor => expand(slice(part, 0, row, row + 1), [count, ...part.shape.slice(1)]);
    const own = lengths && Array.from({ length: count }, () => lengths[row]);
    return this.evaluation.run(() => kept({ memory: spread(memory), keys: keys && spread(keys), lengths: own, state }));
  }
}

function kept({ memory, keys, lengths, state }: Encoded): Encoded {
  return { memory: detach(memory).keep(), keys: keys && detach(keys).keep(), lengths, state: keptTree(state) };
}

function disposeEncoded({ memory, keys, state }: Encoded): void {
  disposeTree(keys === undefined ? [memory] : [memory, keys]);
  disposeTree(state);
}

async function readAndDispose(tensor: Tensor): Promise<Int32Array | Float32Array | Float64Array> {
  try {
    return await tensor.data();
  } finally {
    tensor.dispose();
  }
}
