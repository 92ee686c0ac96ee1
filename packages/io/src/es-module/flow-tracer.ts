/**
 * A backend that computes what belongs to the model and writes down the rest as a flow. The
 * sequence that it runs on has so many steps, a prime, that time can be told from features: no
 * number of features is a multiple of it. Scans come as programs, by `compile`.
 */
import {
  sizeOf,
  type Backend,
  type BinaryOp,
  type CompiledProgram,
  type ConcatPart,
  type DType,
  type IndexSizes,
  type Matrices,
  type MatmulSizes,
  type Operand,
  type Program,
  type ReduceOp,
  type Storage,
  type Strided,
  type UnaryOp,
} from '@rnn/core';
import { FlowMemory } from './flow-memory.js';
import { STEPS, type FlowStorage } from './flow-storage.js';
import type { FlowValue, Matrix } from './flow.js';
import { productOf, type Side } from './flow-product.js';
import { inlineProgram } from './inline-program.js';
import { reducedOverTime } from './over-time.js';
import { featureSizes, OverTime } from './row-walk.js';

const comparisons: readonly BinaryOp[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];

export class FlowTracer extends FlowMemory implements Backend {
  protected override get backend(): Backend {
    return this;
  }

  // --- elementwise
  // ----------------------------------------------------------------------------------------------
  unary(op: UnaryOp, x: Storage): Storage {
    const { value, number, size, dtype } = x as FlowStorage;
    if (value === undefined) {
      if (number === undefined) return this.pool.folded(this.inner.unary(op, this.pool.innerOf(x)));
      return this.pool.uniform(
        this.pool.ofNumbers([number], dtype, ([one]) => this.inner.unary(op, one)),
        size,
        dtype,
      );
    }
    checkFloat(dtype);
    return this.made(
      this.flow.make({ kind: 'unary', op, x: value }, value.width, value.domain === 'once'),
      size,
      dtype,
    );
  }

  binary(op: BinaryOp, a: Operand, b: Operand, sizes: readonly number[]): Storage {
    const dtype = typeof a === 'object' ? a.storage.dtype : (b as Strided).storage.dtype;
    const size = sizeOf(sizes);
    if (!isVariable(a, b)) {
      const [x, y] = [uniformOf(a), uniformOf(b)];
      if (x === undefined || y === undefined)
        return this.pool.folded(this.inner.binary(op, this.pool.innerOperand(a), this.pool.innerOperand(b), sizes));
      const number = this.pool.ofNumbers([x], dtype, ([storage]) =>
        this.inner.binary(op, { storage, offset: 0, strides: [1] }, y, [1]),
      );
      return this.pool.uniform(number, size, dtype);
    }
    if (!comparisons.includes(op)) checkFloat(dtype);
    const walk = featureSizes(sizes, STEPS);
    const [x, y] = [this.operand(a, sizes, walk.isRow), this.operand(b, sizes, walk.isRow)];
    const value = this.flow.make({ kind: 'binary', op, a: x, b: y }, sizeOf(walk.sizes), !walk.isRow);
    return this.made(value, size, dtype);
  }

  select(condition: Strided, a: Operand, b: Operand, sizes: readonly number[], dtype: DType): Storage {
    if (!isVariable(condition, a, b)) {
      const test = this.pool.innerOperand(condition) as Strided;
      return this.pool.folded(
        this.inner.select(test, this.pool.innerOperand(a), this.pool.innerOperand(b), sizes, dtype),
      );
    }
    const walk = featureSizes(sizes, STEPS);
    const of = (operand: Operand): FlowValue => this.operand(operand, sizes, walk.isRow);
    const op = { kind: 'select', condition: of(condition), a: of(a), b: of(b) } as const;
    return this.made(this.flow.make(op, sizeOf(walk.sizes), !walk.isRow), sizeOf(sizes), dtype);
  }

  // --- moving data
  // ----------------------------------------------------------------------------------------------
  copy(x: Strided, sizes: readonly number[], dtype: DType): Storage {
    const { value, number } = x.storage as FlowStorage;
    const size = sizeOf(sizes);
    if (value === undefined) {
      if (number !== undefined) return this.pool.uniform(dtype === 'int32' ? Math.trunc(number) : number, size, dtype);
      return this.pool.folded(this.inner.copy(this.pool.innerOperand(x) as Strided, sizes, dtype));
    }
    if (dtype === 'int32' && x.storage.dtype !== 'int32') throw new OverTime('makes whole numbers of others');
    const walk = featureSizes(sizes, STEPS);
    const width = sizeOf(walk.sizes);
    const found = this.operand(x, sizes, walk.isRow);
    // A walk with strides of 0 is one number; here it is spread.
    const spread =
      found.width === width
        ? found
        : this.flow.pick(
            found,
            Array.from({ length: width }, () => 0),
          );
    return this.made(this.#at(spread, walk.isRow), size, dtype);
  }

  /**
   * A value for a storage that has time or has none: what is the same at all steps becomes a row,
   * too.
   */
  #at(value: FlowValue, isRow: boolean): FlowValue {
    if (!isRow || value.domain === 'row') return value;
    return this.flow.make({ kind: 'concat', parts: [value] }, value.width, false);
  }

  concat(parts: readonly ConcatPart[], outer: number): Storage {
    const storages = parts.map(({ storage }) => storage as FlowStorage);
    const { dtype } = storages[0];
    const size = storages.reduce((sum, storage) => sum + storage.size, 0);
    if (storages.every(({ value }) => value === undefined)) {
      const inner = parts.map(({ storage, run }) => ({ storage: this.pool.innerOf(storage), run }));
      return this.pool.folded(this.inner.concat(inner, outer));
    }
    const isRow = storages.some(({ value }) => value?.domain === 'row');
    if (isRow && outer % STEPS !== 0) throw new OverTime('joins sequences along time');
    const pieces: FlowValue[] = [];
    for (let j = 0; j < (isRow ? outer / STEPS : outer); j++) {
      for (const { storage, run } of parts) {
        const { value, number } = storage as FlowStorage;
        if (isRow && value === undefined && number === undefined)
          throw new OverTime('joins the sequence with numbers of its own that change from step to step');
        const all = this.valueOf(storage);
        pieces.push(
          value === undefined && number !== undefined
            ? this.flow.pick(
                all,
                Array.from({ length: run }, () => 0),
              )
            : this.flow.range(all, j * run, run),
        );
      }
    }
    return this.made(this.flow.concat(pieces, !isRow), size, dtype);
  }

  gather(x: Storage, index: Strided, sizes: IndexSizes): Storage {
    const { outer, size, inner, count } = sizes;
    const table = x as FlowStorage;
    const places = index.storage as FlowStorage;
    if (table.value === undefined && places.value === undefined) {
      const at = this.pool.innerOperand(index) as Strided;
      return this.pool.folded(this.inner.gather(this.pool.innerOf(x), at, sizes));
    }
    const isLine = index.strides[0] === 0 && index.strides[2] === 0;
    if (table.value === undefined && outer === 1 && isLine) {
      const walk = featureSizes([count], STEPS);
      const list = this.operand({ ...index, strides: [index.strides[1]] }, [count], walk.isRow);
      const rows = this.valueOf(x);
      const parts = Array.from({ length: list.width }, (_, i) =>
        this.flow.make(
          { kind: 'gather', table: rows, rows: size, index: this.flow.range(list, i, 1) },
          inner,
          !walk.isRow,
        ),
      );
      return this.made(this.flow.concat(parts, !walk.isRow), count * inner, x.dtype);
    }
    if (table.value === undefined || places.value !== undefined || !isLine)
      throw new OverTime('picks by an index that changes out of what changes (gather)');
    const isRow = table.value.domain === 'row';
    if (isRow && outer % STEPS !== 0) throw new OverTime('picks steps of the sequence by index');
    const chosen = this.inner.readSync(this.pool.innerOf(places));
    const groups = isRow ? outer / STEPS : outer;
    const indices: number[] = [];
    for (let o = 0; o < groups; o++)
      for (let c = 0; c < count; c++)
        for (let i = 0; i < inner; i++)
          indices.push((o * size + chosen[index.offset + c * index.strides[1]]) * inner + i);
    return this.made(this.flow.pick(table.value, indices), outer * count * inner, x.dtype);
  }

  scatterAdd(): Storage {
    throw new OverTime('adds by index (scatterAdd)');
  }

  // --- contracting
  // ----------------------------------------------------------------------------------------------
  reduce(op: ReduceOp, x: Storage, outer: number, size: number, inner: number): Storage {
    const { value } = x as FlowStorage;
    if (value === undefined) return this.pool.folded(this.inner.reduce(op, this.pool.innerOf(x), outer, size, inner));
    const isRow = value.domain === 'row';
    const dtype = op === 'argmax' ? 'int32' : x.dtype;
    const isOverTime = isRow && outer % STEPS !== 0;
    if (isOverTime && (outer !== 1 || size % STEPS !== 0))
      throw new OverTime(`takes the ${op} of a part of the sequence`);
    const [groups, each] = isOverTime ? [1, size / STEPS] : [isRow ? outer / STEPS : outer, size];
    const isWhole = each === 1 && isOverTime;
    const made = isWhole
      ? value
      : this.flow.make({ kind: 'reduce', op, x: value, outer: groups, size: each, inner }, groups * inner, !isRow);
    return this.made(isOverTime ? reducedOverTime(this, op, made) : made, outer * inner, dtype);
  }

  matmul(a: Matrices, b: Matrices, sizes: MatmulSizes): Storage {
    const { batch, m, k, n } = sizes;
    const count = sizeOf(batch);
    const [left, right] = [a.storage as FlowStorage, b.storage as FlowStorage];
    if (left.value === undefined && right.value === undefined) {
      const inner = (side: Matrices): Matrices => ({ ...side, storage: this.pool.innerOf(side.storage) });
      return this.pool.folded(this.inner.matmul(inner(a), inner(b), sizes));
    }
    const fits = (side: Matrices, rows: number): boolean =>
      (!side.transposed || rows === 1 || k === 1) && side.batchStrides.every((stride) => stride !== 0 || count === 1);
    const isFixed = (side: Matrices): boolean => side.batchStrides.every((stride, i) => stride === 0 || batch[i] === 1);
    let [values, rows, matrix]: [FlowValue | undefined, number, Matrix | undefined] = [undefined, 0, undefined];
    if (right.value === undefined && isFixed(b) && fits(a, m)) {
      [values, rows] = [left.value, count * m];
      matrix = b.transposed ? this.matrixOf(right, n, k, true) : this.matrixOf(right, k, n, false);
    } else if (left.value === undefined && isFixed(a) && n === 1) {
      // W x with a column: x W^T.
      [values, rows] = [right.value, count];
      matrix = a.transposed ? this.matrixOf(left, k, m, false) : this.matrixOf(left, m, k, true);
    }
    if (values === undefined || matrix === undefined) {
      const side = ({ storage, batchStrides, transposed }: Matrices): Side => ({
        value: (storage as FlowStorage).value,
        batchStrides,
        transposed,
        matrix: (at, height, width, isTransposed) => this.pool.matrixOf(storage, height, width, isTransposed, at),
      });
      return this.made(productOf(this.flow, side(a), side(b), sizes, STEPS), count * m * n, left.dtype);
    }
    const isRow = values.domain === 'row';
    if (isRow && rows % STEPS !== 0) throw new OverTime('multiplies along time');
    const weight = matrix;
    const parts = Array.from({ length: isRow ? rows / STEPS : rows }, (_, i) => {
      const x = this.flow.range(values, i * weight.k, weight.k);
      return this.flow.make({ kind: 'matmul', x, weight, init: undefined }, weight.n, !isRow);
    });
    return this.made(this.flow.concat(parts, !isRow), count * m * n, left.dtype);
  }

  compile(program: Program): CompiledProgram {
    return { run: (args) => inlineProgram(this, program, args) };
  }
}

function isVariable(...operands: readonly Operand[]): boolean {
  return operands.some((x) => typeof x === 'object' && (x.storage as FlowStorage).value !== undefined);
}

function uniformOf(operand: Operand): number | undefined {
  return typeof operand === 'number' ? operand : (operand.storage as FlowStorage).number;
}

function checkFloat(dtype: DType): void {
  if (dtype === 'int32') throw new OverTime('computes with whole numbers that depend on the input');
}
