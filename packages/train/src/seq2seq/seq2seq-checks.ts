import { ArgumentError, DTypeError, ShapeError, type Tensor } from '@rnn/core';
import { checkIndex, checkTensor, refuse } from '@rnn/core/checks';
import type { Embedding } from '@rnn/nn';
import type { PairBatch } from '../data/sequence-pairs.js';

/** What a model of sequences reads and says. */
interface Vocabularies {
  readonly source: Embedding | undefined;
  readonly target: Embedding;
  readonly encoder: { readonly inputSize: number };
}

/**
 * Refuses what is no source of a model: another rank, type or size, or a symbol that it does not
 * have.
 */
export function checkSource(owner: string, { source: table, encoder }: Vocabularies, source: unknown): void {
  checkTensor(owner, 'source', source);
  if (table !== undefined) checkSymbols(owner, 'source', source, 'S', table);
  else if (source.rank !== 3 || source.shape[2] !== encoder.inputSize || source.size === 0) {
    const expected = `[S, B, ${encoder.inputSize}], S and B from 1 up`;
    refuse(ShapeError, owner, 'source', { has: 'shape', received: showShape(source), expected });
  }
}

/** Refuses what is no target for so many sources. */
export function checkTarget(owner: string, { target: table }: Vocabularies, target: unknown, batch: number): void {
  checkTensor(owner, 'target', target);
  checkSymbols(owner, 'target', target, 'T', table);
  if (target.shape[1] === batch) return;
  refuse(ShapeError, owner, 'target', {
    has: 'shape',
    received: showShape(target),
    expected: `[T, ${batch}], as the source has ${batch} rows`,
    hint: 'are they [B, T]? Seq2Seq takes time first: transpose(0, 1), or no batchFirst',
  });
}

/** Refuses anything but the batch of a `SequencePairs`. */
export function checkPairs(owner: string, batch: unknown): asserts batch is PairBatch {
  const pairs = batch as Partial<PairBatch> | null | undefined;
  if (typeof pairs === 'object' && pairs !== null && pairs.source !== undefined && pairs.target !== undefined) return;
  refuse(ArgumentError, owner, 'batch', {
    value: batch,
    expected: '{ source, sourceLengths, target, targetLengths }, as SequencePairs gives it',
  });
}

function checkSymbols(owner: string, argument: string, symbols: Tensor, steps: string, table: Embedding): void {
  const expected = `[${steps}, B], ${steps} and B from 1 up`;
  if (symbols.rank !== 2 || symbols.size === 0)
    refuse(ShapeError, owner, argument, { has: 'shape', received: showShape(symbols), expected });
  if (symbols.dtype !== 'int32') {
    refuse(DTypeError, owner, argument, {
      received: symbols.dtype,
      expected: 'int32, the indices of symbols',
      hint: "make it with tensor(values, { dtype: 'int32' }), or give a data set Int32Array.from(values)",
    });
  }
  checkIndex(owner, table.weight, symbols, table.numEmbeddings, argument);
}

function showShape({ shape }: Tensor): string {
  return `[${shape.join(', ')}]`;
}
