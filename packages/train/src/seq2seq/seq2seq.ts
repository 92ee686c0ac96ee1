import {
  argmax,
  ArgumentError,
  checkLengths,
  concat,
  defaultGenerator,
  detach,
  fromData,
  full,
  type Generator,
  type Lengths,
  permute,
  reshape,
  scope,
  select,
  slice,
  stack,
  tanh,
  type Tensor,
  transpose,
  where,
} from '@rnn/core';
import { checkChoice, checkCount, checkFlag, checkNumber, checkOptions, generatorOf, refuse } from '@rnn/core/checks';
import {
  Attention,
  crossEntropy,
  dropout,
  Embedding,
  GRU,
  Linear,
  LSTM,
  Module,
  type AttentionScore,
  type LSTMState,
  type PlaceOptions,
} from '@rnn/nn';
import type { PairBatch } from '../data/sequence-pairs.js';
import { checkPairs, checkSource, checkTarget } from './seq2seq-checks.js';
import { decoded, type DecodeOptions } from './decode.js';
import type { DecoderState, Encoded } from './decoder.js';

export interface Seq2SeqOptions extends PlaceOptions {
  /** How many symbols the source has; or `inputSize`. */
  readonly sourceTokens?: number;
  /** Features of the steps of a source that is no text; or `sourceTokens`. */
  readonly inputSize?: number;
  /** How many symbols the target has, `bos` and `eos` included. */
  readonly targetTokens: number;
  /** Index of the symbol that the decoder begins with. */
  readonly bos: number;
  /** Index of the symbol that ends a target. */
  readonly eos: number;
  readonly hiddenSize: number;
  /** Numbers that stand for a symbol; hiddenSize unless given. */
  readonly embeddingSize?: number;
  /** `'LSTM'` unless given. */
  readonly cell?: 'LSTM' | 'GRU';
  /** 1 unless given. */
  readonly numLayers?: number;
  /** Whether the encoder reads both ways, half of hiddenSize each; true unless given. */
  readonly bidirectional?: boolean;
  /**
   * How a step of the decoder looks at the source, or false for not at all; `'general'` unless
   * given.
   */
  readonly attention?: AttentionScore | false;
  /**
   * Share of the embeddings, and of the outputs of all layers but the last, that is dropped in
   * training mode; 0 unless given.
   */
  readonly dropout?: number;
}

export interface Seq2SeqForwardOptions {
  /** Steps of each source. */
  readonly lengths?: Lengths;
  /**
   * How often a step of the decoder gets the right symbol before it, in place of what the decoder
   * said itself: 1 always (teacher forcing), in between by chance (scheduled sampling), 0 never; 1
   * unless given.
   */
  readonly teacherForcing?: number;
  /** Where the chances come from; the default generator unless given. */
  readonly generator?: Generator;
}

const names = [
  'sourceTokens',
  'inputSize',
  'targetTokens',
  'bos',
  'eos',
  'hiddenSize',
  'embeddingSize',
  'cell',
  'numLayers',
  'bidirectional',
  'attention',
  'dropout',
  'dtype',
  'backend',
];

/**
 * From a sequence to a sequence: an encoder reads the source, a decoder says the target symbol by
 * symbol, and looks at the source by attention at each.
 *
 * @example
 * ```ts
 * const model = new Seq2Seq({
 *   sourceTokens: 30,
 *   targetTokens: 30,
 *   bos: 1,
 *   eos: 2,
 *   hiddenSize: 64,
 * });
 * await fit(model, loader, { loss: (model, batch) => model.loss(batch), optimizer, epochs: 10 });
 * const [tokens] = await model.decode(source); // without eos
 * ```
 * @param options - `sourceTokens` or `inputSize`, `targetTokens`, `bos`, `eos`, `hiddenSize`;
 *   `embeddingSize` hiddenSize, `cell` 'LSTM', `numLayers` 1, `bidirectional` true, `attention`
 *   'general', `dropout` 0, `dtype`, `backend`
 * @throws ArgumentError for options that make no sense
 *
 * With attention a symbol comes from `head(tanh(combine([h, context])))`, where h is the decoder's
 * output and context that of the attention (Luong, Pham and Manning 2015, without input feeding),
 * so that a pass with teacher forcing runs the decoder as one layer. The decoder begins from the
 * encoder's last state. Differs from PyTorch: there it is a tutorial.
 */
export class Seq2Seq extends Module {
  readonly bos: number;
  readonly eos: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bidirectional: boolean;
  readonly dropout: number;
  readonly source: Embedding | undefined;
  readonly encoder: LSTM | GRU;
  readonly target: Embedding;
  readonly decoder: LSTM | GRU;
  readonly attention: Attention | undefined;
  readonly combine: Linear | undefined;
  readonly head: Linear;

  constructor(options: Seq2SeqOptions) {
    super();
    const owner = 'Seq2Seq';
    checkOptions(owner, options, names);
    const { sourceTokens, inputSize, targetTokens, bos, eos, hiddenSize, embeddingSize = hiddenSize } = options;
    const {
      cell = 'LSTM',
      numLayers = 1,
      bidirectional = true,
      attention = 'general',
      dropout = 0,
      dtype,
      backend,
    } = options;
    if (sourceTokens === undefined || inputSize !== undefined) checkCount(owner, 'inputSize', inputSize, 1);
    if (sourceTokens !== undefined) {
      checkCount(owner, 'sourceTokens', sourceTokens, 1);
      if (inputSize !== undefined) {
        refuse(ArgumentError, owner, 'inputSize', {
          value: inputSize,
          expected: 'sourceTokens or inputSize, not both',
        });
      }
    }
    checkCount(owner, 'targetTokens', targetTokens, 1);
    checkCount(owner, 'bos', bos, 0, targetTokens - 1);
    checkCount(owner, 'eos', eos, 0, targetTokens - 1);
    checkCount(owner, 'hiddenSize', hiddenSize, 1);
    checkCount(owner, 'embeddingSize', embeddingSize, 1);
    checkChoice(owner, 'cell', cell, ['LSTM', 'GRU']);
    checkCount(owner, 'numLayers', numLayers, 1);
    checkFlag(owner, 'bidirectional', bidirectional);
    if (attention !== false) checkChoice(owner, 'attention', attention, ['dot', 'general', 'additive']);
    checkNumber(owner, 'dropout', dropout, { from: 0, to: 1 });
    if (bidirectional && hiddenSize % 2 !== 0) {
      refuse(ArgumentError, owner, 'hiddenSize', {
        value: hiddenSize,
        expected: 'an even number, half for each direction',
      });
    }
    const place = { dtype, backend };
    const layers = { numLayers, dropout: numLayers > 1 ? dropout : 0, ...place };
    const Layer = cell === 'LSTM' ? LSTM : GRU;
    this.bos = bos;
    this.eos = eos;
    this.hiddenSize = hiddenSize;
    this.numLayers = numLayers;
    this.bidirectional = bidirectional;
    this.dropout = dropout;
    this.source = sourceTokens === undefined ? undefined : new Embedding(sourceTokens, embeddingSize, place);
    this.encoder = new Layer(inputSize ?? embeddingSize, bidirectional ? hiddenSize / 2 : hiddenSize, {
      bidirectional,
      ...layers,
    });
    this.target = new Embedding(targetTokens, embeddingSize, place);
    this.decoder = new Layer(embeddingSize, hiddenSize, layers);
    this.attention =
      attention === false ? undefined : new Attention(hiddenSize, hiddenSize, { score: attention, ...place });
    this.combine = attention === false ? undefined : new Linear(2 * hiddenSize, hiddenSize, place);
    this.head = new Linear(hiddenSize, targetTokens, place);
  }

  /**
   * Scores of the symbols of a target.
   *
   * @param source - int32 [S, B], or [S, B, inputSize]
   * @param target - int32 [T, B], without `bos`, with `eos`
   * @param options - `lengths` of the sources, `teacherForcing` 1, `generator`
   * @returns [T, B, targetTokens]
   * @throws ShapeError, DTypeError, ArgumentError when sizes do not go together, or symbols are not
   *   int32 or not of the model
   */
  forward(source: Tensor, target: Tensor, options: Seq2SeqForwardOptions = {}): Tensor {
    const owner = 'Seq2Seq';
    checkOptions(owner, options, ['lengths', 'teacherForcing', 'generator']);
    const { lengths, teacherForcing = 1, generator = defaultGenerator() } = options;
    checkNumber(owner, 'teacherForcing', teacherForcing, { from: 0, to: 1 });
    generatorOf(owner, generator);
    checkSource(owner, this, source);
    checkTarget(owner, this, target, source.shape[1]);
    const [steps, batch] = target.shape;
    return scope(() => {
      const encoded = this.encode(source, lengths);
      const first = full([1, batch], this.bos, { dtype: 'int32', backend: target.backend });
      if (teacherForcing === 1) {
        const before = steps === 1 ? first : concat([first, slice(target, 0, 0, steps - 1)]);
        return this.decodeSteps(before, encoded.state, encoded)[0];
      }
      const scores: Tensor[] = [];
      let [before, { state }]: [Tensor, { state: DecoderState }] = [first, encoded];
      for (let t = 0; t < steps; t++) {
        const [score, next] = this.decodeSteps(before, state, encoded);
        scores.push(select(score, 0, 0));
        state = next;
        const own = argmax(detach(score), 2);
        const right = slice(target, 0, t, t + 1);
        const draws = Int32Array.from({ length: batch }, () => Number(generator.nextUniform() < teacherForcing));
        before =
          teacherForcing === 0 ? own : where(fromData(draws, [1, batch], { backend: target.backend }), right, own);
      }
      return stack(scores, 0);
    });
  }

  /**
   * The mean cross-entropy of a batch of pairs, over the symbols of the targets.
   *
   * @param batch - `{ source, sourceLengths, target, targetLengths }`, as `SequencePairs` gives it;
   *   each target ends with `eos`, or `decode` does not learn where to stop
   * @param options - `teacherForcing` 1, `generator`
   * @returns a single number
   * @throws ShapeError, DTypeError, ArgumentError for sources and targets that `forward` refuses
   */
  loss(batch: PairBatch, options: Omit<Seq2SeqForwardOptions, 'lengths'> = {}): Tensor {
    checkPairs('Seq2Seq.loss', batch);
    const { sourceLengths, targetLengths, batchFirst } = batch;
    return scope(() => {
      const [source, target] = [batch.source, batch.target].map((x) => (batchFirst === true ? transpose(x, 0, 1) : x));
      const scores = this.forward(source, target, { lengths: sourceLengths, ...options });
      return crossEntropy(scores, target, { classDim: -1, lengths: targetLengths });
    });
  }

  /**
   * Says the targets of sources: the most probable symbol at each step, or what a beam search
   * finds.
   *
   * @example
   * ```ts
   * const [tokens] = await model.decode(fromData(vocabulary.encode('abc'), [3, 1]), { beams: 4 });
   * vocabulary.decode(tokens);
   * ```
   * @param source - int32 [S, B], or [S, B, inputSize]
   * @param options - `lengths` of the sources, `maxTokens` 100, `beams` 1, `lengthPenalty` 0
   * @returns a list of indices for each source, without `eos`
   */
  decode(source: Tensor, options: DecodeOptions = {}): Promise<number[][]> {
    return decoded(this, source, options);
  }

  /** @internal Reads sources. */
  encode(source: Tensor, lengths: Lengths | undefined): Encoded {
    const { source: embedding, encoder, attention, bidirectional, hiddenSize, numLayers } = this;
    const input = embedding === undefined ? source : this.dropped(embedding.forward(source));
    const list = lengths && checkLengths('Seq2Seq', lengths, source.shape[1], source.shape[0]);
    const options = { lengths: list };
    const whole = (state: Tensor): Tensor => {
      if (!bidirectional) return state;
      const batch = state.shape[1];
      const apart = reshape(state, [numLayers, 2, batch, hiddenSize / 2]);
      return reshape(permute(apart, [0, 2, 1, 3]), [numLayers, batch, hiddenSize]);
    };
    const read = (): [output: Tensor, state: DecoderState] => {
      if (encoder instanceof LSTM) {
        const [output, [h, c]] = encoder.forward(input, undefined, options);
        return [output, [whole(h), whole(c)]];
      }
      const [output, h] = encoder.forward(input, undefined, options);
      return [output, whole(h)];
    };
    const [output, state] = read();
    const memory = transpose(output, 0, 1);
    return { memory, keys: attention?.keysOf(memory), lengths: list, state };
  }

  /**
   * @internal Scores [T, B, targetTokens] of what follows each of some symbols [T, B], and the
   *   state after them.
   */
  decodeSteps(
    before: Tensor,
    state: DecoderState,
    { memory, keys, lengths }: Encoded,
  ): [scores: Tensor, state: DecoderState] {
    const { decoder, attention, combine, head } = this;
    const input = this.dropped(this.target.forward(before));
    const [output, next] = (decoder as LSTM).forward(input, state as LSTMState);
    if (attention === undefined || combine === undefined) return [head.forward(output), next];
    const queries = transpose(output, 0, 1);
    const [context] = attention.forward(queries, memory, { keys, lengths });
    const seen = tanh(combine.forward(concat([queries, context], 2)));
    return [transpose(head.forward(this.dropped(seen)), 0, 1), next];
  }

  private dropped(x: Tensor): Tensor {
    return dropout(x, { p: this.dropout, training: this.training });
  }
}
