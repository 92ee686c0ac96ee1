/** Names and constants of a graph that is written. */
import { create } from '@bufbuild/protobuf';
import { TensorProtoSchema, type TensorProto } from '../schema.generated.js';
import { typeNumbers, type IrType } from './ir.js';

/** Names that are not taken yet. */
export class FreeNames {
  readonly #taken = new Set<string>();
  readonly #counts = new Map<string, number>();

  /** Takes a name; false where it is taken. */
  take(name: string): boolean {
    if (this.#taken.has(name)) return false;
    this.#taken.add(name);
    return true;
  }

  /** A new name that begins so. */
  like(kind: string): string {
    for (;;) {
      const count = (this.#counts.get(kind) ?? 0) + 1;
      this.#counts.set(kind, count);
      const name = `${kind}_${count}`;
      if (this.take(name)) return name;
    }
  }
}

/** Constants, each of which is written once. */
export class Constants {
  readonly initializers: TensorProto[] = [];
  readonly #names: FreeNames;
  readonly #known = new Map<string, string>();

  constructor(names: FreeNames) {
    this.#names = names;
  }

  /** The name of a constant; its own where it has one that is free. */
  of(type: IrType, shape: readonly number[], numbers: ArrayLike<number>, own?: string): string {
    const key = `${type} [${shape.join()}] ${own ?? Array.from(numbers).join()}`;
    let name = this.#known.get(key);
    if (name === undefined) {
      name = own !== undefined && this.#names.take(own) ? own : this.#names.like(own ?? 'constant');
      this.#known.set(key, name);
      this.initializers.push(tensorProto(name, type, shape, numbers));
    }
    return name;
  }

  /** A list of whole numbers. */
  list(numbers: readonly number[]): string {
    return this.of('int64', [numbers.length], numbers);
  }
}

/** Numbers as little-endian bytes. */
function tensorProto(name: string, type: IrType, shape: readonly number[], numbers: ArrayLike<number>): TensorProto {
  const width = type === 'float64' || type === 'int64' ? 8 : type === 'bool' ? 1 : 4;
  const rawData = new Uint8Array(numbers.length * width);
  const view = new DataView(rawData.buffer);
  for (let i = 0; i < numbers.length; i++) {
    const [at, number] = [i * width, numbers[i]];
    if (type === 'float32') view.setFloat32(at, number, true);
    else if (type === 'float64') view.setFloat64(at, number, true);
    else if (type === 'int64') view.setBigInt64(at, BigInt(number), true);
    else if (type === 'int32') view.setInt32(at, number, true);
    else view.setUint8(at, number);
  }
  return create(TensorProtoSchema, { name, dataType: typeNumbers[type], dims: shape.map(BigInt), rawData });
}
