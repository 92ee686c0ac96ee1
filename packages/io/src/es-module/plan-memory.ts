/** The memory of a plan: where constants, matrices and lists of places lie. */
import type { Matrix } from './flow.js';
import type { PlanConstant } from './plan.js';

export class PlanMemory {
  readonly constants: PlanConstant[] = [];
  /** The numbers of the constants, in their order. */
  readonly numbers: ArrayLike<number>[] = [];
  readonly indices: [at: number, numbers: readonly number[]][] = [];
  readonly #matrixAt = new Map<Matrix, number>();
  readonly #indexAt = new Map<string, number>();
  /** The next free byte; address 0 means none. */
  #top = 16;

  /** All bytes; kernels may read a vector beyond the last number. */
  get bytes(): number {
    return this.#top + 16;
  }

  /** Room for so many numbers. */
  room(words: number): number {
    const at = this.#top;
    this.#top += Math.max(1, Math.ceil(words / 4)) * 16;
    return at;
  }

  /**
   * Numbers of the model. A single one is a part of the plan: exact, whatever type the weights
   * have.
   */
  constant(numbers: ArrayLike<number>): number {
    const at = this.room(numbers.length);
    if (numbers.length === 1) this.indices.push([at, [bitsOf(numbers[0])]]);
    else this.#load({ at, n: numbers.length, k: 0 }, numbers);
    return at;
  }

  matrix(matrix: Matrix): number {
    let at = this.#matrixAt.get(matrix);
    if (at === undefined) {
      const { n, k, numbers } = matrix;
      at = this.room(Math.ceil(n / 4) * 4 * k);
      this.#matrixAt.set(matrix, at);
      this.#load({ at, n, k }, numbers);
    }
    return at;
  }

  indexList(indices: readonly number[]): number {
    const key = indices.join();
    let at = this.#indexAt.get(key);
    if (at === undefined) {
      at = this.room(indices.length);
      this.#indexAt.set(key, at);
      this.indices.push([at, indices]);
    }
    return at;
  }

  #load(constant: PlanConstant, numbers: ArrayLike<number>): void {
    this.constants.push(constant);
    this.numbers.push(numbers);
  }
}

/** A float32 as the whole number with its bits. */
function bitsOf(number: number): number {
  return new Int32Array(Float32Array.of(number).buffer)[0];
}
