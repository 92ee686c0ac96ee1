/** Models with inputs and expected outputs, from the files of `cases`. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { fromData, type Backend, type Tensor } from '@rnn/core';
import type { OnnxModule } from '../../src/index.js';

interface CaseArray {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly (number | 'NaN' | 'Infinity' | '-Infinity')[];
}

export interface OnnxCase {
  readonly name: string;
  /** In base64. */
  readonly model: string;
  readonly inputs: Readonly<Record<string, CaseArray>>;
  readonly outputs: Readonly<Record<string, CaseArray>>;
  /** PyTorch's gradients of Σᵢ yᵢ cos(0.7 i) with respect to the inputs. */
  readonly gradients?: Readonly<Record<string, CaseArray>>;
}

const fixtures = new URL('cases/', import.meta.url);

export function fixtureBytes(file: string): Uint8Array {
  return readFileSync(new URL(file, fixtures));
}

export function casesOf(file: string): OnnxCase[] {
  return JSON.parse(readFileSync(new URL(file, fixtures), 'utf8')) as OnnxCase[];
}

/** The inputs of a case as tensors. */
export function inputsOf({ inputs }: OnnxCase, model: OnnxModule, backend: Backend): Record<string, Tensor> {
  return Object.fromEntries(
    model.inputs.map(({ name, dtype }) => {
      const { shape, data } = inputs[name];
      const isReal = dtype.includes('float') || dtype === 'bool';
      const type =
        dtype === 'float64' && backend.info.dtypes.includes('float64') ? 'float64' : isReal ? 'float32' : 'int32';
      return [name, fromData(data.map(Number), shape, { dtype: type, backend })];
    }),
  );
}

/** Holds results against the expected ones. */
export function expectOutputs(
  { outputs }: OnnxCase,
  results: Readonly<Record<string, Tensor>>,
  tolerance: number,
): void {
  for (const [name, expected] of Object.entries(outputs)) expectArray(name, results[name], expected, tolerance);
}

function expectArray(name: string, result: Tensor, { shape, data }: CaseArray, tolerance: number): void {
  expect(result.shape, name).toEqual(shape);
  const numbers = result.dataSync();
  data.forEach((text, i) => {
    const expected = Number(text);
    const isNear =
      Object.is(numbers[i], expected) ||
      numbers[i] === expected ||
      Math.abs(numbers[i] - expected) <= tolerance * Math.max(1, Math.abs(expected));
    expect(isNear, `${name}[${i}] is ${numbers[i]}, expected ${expected}`).toBe(true);
  });
}

/** Holds gradients of the inputs against PyTorch's. */
export function expectGradients(sample: OnnxCase, model: OnnxModule, backend: Backend): void {
  const inputs = inputsOf(sample, model, backend);
  const expected = Object.entries(sample.gradients ?? {});
  for (const [name] of expected) inputs[name].requiresGrad = true;
  const { y } = model.run(inputs);
  const factors = Array.from({ length: y.size }, (_, i) => Math.cos(0.7 * i));
  y.mul(fromData(factors, y.shape, { dtype: 'float32', backend }))
    .sum()
    .backward();
  for (const [name, array] of expected) {
    const { grad } = inputs[name];
    if (grad === undefined) throw new Error(`no gradient of ${name}`);
    expectArray(`gradient of ${name}`, grad, array, 5e-6);
  }
}
