/** Nodes that compute sizes out of those of the inputs. */
import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  NodeProtoSchema,
  type NodeProto,
} from '../schema.generated.js';
import type { Constants, FreeNames } from './emit-constants.js';
import { typeNumbers, type IrType } from './ir.js';
import { sizeOfNumbers, type Size } from './sizes.js';

/** A dimension that may have any size. */
export interface DynamicDim {
  readonly name: string;
  /** An input that has it, and where. */
  readonly input: string;
  readonly axis: number;
}

/**
 * Traces whose graphs are not one and the same: what was tried as dynamic decides about the graph.
 */
export class TracesDiffer extends Error {}

export class SizeNodes {
  /** In front of all others. */
  readonly nodes: NodeProto[] = [];
  readonly #dims: readonly DynamicDim[];
  readonly #sizes: readonly (readonly number[])[];
  readonly #free: FreeNames;
  readonly #constants: Constants;
  readonly #known = new Map<string, string>();

  /**
   * @param dims - the dynamic dimensions
   * @param sizes - their sizes in each trace
   * @param free - gives the nodes names
   * @param constants - gets the numbers that they need
   */
  constructor(
    dims: readonly DynamicDim[],
    sizes: readonly (readonly number[])[],
    free: FreeNames,
    constants: Constants,
  ) {
    this.#dims = dims;
    this.#sizes = sizes;
    this.#free = free;
    this.#constants = constants;
  }

  /** What the numbers of a vector are; nothing for one that is no expression of the sizes. */
  vector(vectors: readonly (readonly number[])[]): (Size | undefined)[] {
    const [first] = vectors;
    if (vectors.some((vector) => vector.length !== first.length))
      throw new TracesDiffer('the number of dimensions changes');
    return first.map((_, i) =>
      sizeOfNumbers(
        vectors.map((vector) => vector[i]),
        this.#sizes,
      ),
    );
  }

  /** The name of a vector of sizes; one dynamic size of a reshape is left to be found. */
  list(vectors: readonly (readonly number[])[], isReshape: boolean): string {
    const sizes = this.vector(vectors);
    const isFixed = (size: Size | undefined): size is Size => size?.terms.length === 0;
    const dynamic = sizes.filter((size) => !isFixed(size));
    if (dynamic.length === 0) return this.#constants.list(sizes.map((size) => size?.summand ?? 0));
    if (isReshape && dynamic.length === 1 && sizes.every((size) => !isFixed(size) || size.summand !== 0)) {
      return this.#constants.list(sizes.map((size) => (isFixed(size) ? size.summand : -1)));
    }
    return this.#once(JSON.stringify(sizes), () => {
      const parts = sizes.map((size, i) => {
        if (size !== undefined) return isFixed(size) ? this.#constants.list([size.summand]) : this.#size(size);
        const numbers = vectors.map((vector) => vector[i]).join(' or ');
        throw new TracesDiffer(`the size ${numbers} does not follow from the inputs' sizes`);
      });
      return parts.length === 1 ? parts[0] : this.#node('Concat', parts, { axis: 0 });
    });
  }

  /**
   * Numbers that change with the sizes: a size itself, as in a mean, or the places of a dimension.
   */
  changing(lists: readonly (readonly number[])[], type: IrType): string {
    const isCount = lists.every((list) => list.every((number, i) => number === i));
    const numbers = isCount ? lists.map((list) => list.length) : lists.map(([number]) => number);
    const size = sizeOfNumbers(numbers, this.#sizes);
    if (size === undefined || !(isCount || lists.every((list) => list.length === 1))) {
      throw new TracesDiffer('forward makes a tensor out of numbers that change with the sizes of the inputs');
    }
    const name = this.#size(size);
    const to = typeNumbers[type];
    if (!isCount) return this.#node('Cast', [name], { to });
    const scalar = (number: number): string => this.#constants.of('int64', [], [number]);
    const places = this.#node('Range', [scalar(0), this.#node('Squeeze', [name]), scalar(1)]);
    return this.#node('Cast', [places], { to });
  }

  /** A single size, as a vector of one. */
  #size({ factor, terms, summand }: Size): string {
    return this.#once(JSON.stringify([factor, terms, summand]), () => {
      const plus = (name: string, number: number): string =>
        number === 0 ? name : this.#node('Add', [name, this.#constants.list([number])]);
      const product = terms
        .map(({ dim, plus: extra }) => plus(this.#dim(dim), extra))
        .reduce((a, b) => this.#node('Mul', [a, b]));
      const scaled = factor === 1 ? product : this.#node('Mul', [product, this.#constants.list([factor])]);
      return plus(scaled, summand);
    });
  }

  #dim(dim: number): string {
    return this.#once(`dim ${dim}`, () => {
      const { input, axis } = this.#dims[dim];
      return this.#node('Gather', [this.#node('Shape', [input]), this.#constants.list([axis])]);
    });
  }

  #once(key: string, make: () => string): string {
    let name = this.#known.get(key);
    if (name === undefined) this.#known.set(key, (name = make()));
    return name;
  }

  #node(opType: string, input: readonly string[], attributes: Readonly<Record<string, number>> = {}): string {
    const output = this.#free.like(`size_${opType}`);
    const attribute = Object.entries(attributes).map(([name, number]) =>
      create(AttributeProtoSchema, { name, type: Kind.INT, i: BigInt(number) }),
    );
    const name = this.#free.like(`node_${opType}`);
    this.nodes.push(create(NodeProtoSchema, { opType, name, input: [...input], output: [output], attribute }));
    return output;
  }
}
