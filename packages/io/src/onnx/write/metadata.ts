/**
 * What a written model says about itself beyond ONNX: which outputs are the next call's inputs, and
 * an example.
 */
import type { TypedArray } from '@rnn/core';
import type { GraphProto, ValueInfoProto } from '../schema.generated.js';
import type { Trace } from './trace.js';

/** An output that is an input of the next call. */
export interface StateLink {
  readonly input: string;
  readonly output: string;
  /** Sizes; free dimensions by name. */
  readonly shape: readonly (number | string)[];
  /** What the state is before the first call. */
  readonly initial: number;
}

/**
 * States: inputs behind the first, each with the next output behind the first that has its shape.
 *
 * @param graph - of the written model
 */
export function stateContract(graph: GraphProto): StateLink[] {
  const outputs = graph.output.slice(1);
  return graph.input.slice(1).flatMap((input) => {
    const shape = shapeOf(input);
    const at = outputs.findIndex(
      (output) => typeOf(output) === typeOf(input) && JSON.stringify(shapeOf(output)) === JSON.stringify(shape),
    );
    if (at < 0) return [];
    const [output] = outputs.splice(at, 1);
    return [{ input: input.name, output: output.name, shape, initial: 0 }];
  });
}

function typeOf({ type }: ValueInfoProto): number | undefined {
  return type?.value.case === 'tensorType' ? type.value.value.elemType : undefined;
}

function shapeOf({ type }: ValueInfoProto): (number | string)[] {
  const dims = type?.value.case === 'tensorType' ? (type.value.value.shape?.dim ?? []) : [];
  return dims.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : (value.value ?? '?')));
}

interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** Inputs, and what the model makes of them. */
export function selfTest({ inputs, outputs }: Trace): {
  readonly inputs: Readonly<Record<string, Numbers>>;
  readonly outputs: Readonly<Record<string, Numbers>>;
} {
  const named = (
    list: readonly { readonly name: string; readonly shape: readonly number[]; readonly numbers: TypedArray }[],
  ) => Object.fromEntries(list.map(({ name, shape, numbers }) => [name, { shape, data: Array.from(numbers) }]));
  return { inputs: named(inputs), outputs: named(outputs) };
}
