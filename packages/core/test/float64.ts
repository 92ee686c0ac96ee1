import { cpu } from '@rnn/backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import { fromData, Generator, gradcheck, gradgradcheck, setBackend, type Shape, type Tensor } from '../src/index.js';

/** Where an operand's values come from. */
interface Domain {
  readonly shape: Shape;
  readonly low?: number;
  readonly high?: number;
}

/** Float64 tensors with the same uneven values in every run; from [-2, 2) unless said otherwise. */
export function operands(...domains: readonly (Shape | Domain)[]): Tensor[] {
  const generator = new Generator(7);
  return domains.map((domain) => {
    const { shape, low = -2, high = 2 } = 'shape' in domain ? domain : { shape: domain };
    const values = new Float64Array(shape.reduce((size, s) => size * s, 1));
    generator.uniform(values, low, high);
    return fromData(values, shape);
  });
}

/** An operation and operands away from its corners. */
export interface DerivativeCase {
  readonly name: string;
  readonly of: (...inputs: Tensor[]) => Tensor | readonly Tensor[];
  readonly at: readonly (Shape | Domain)[];
}

/** Checks first and second derivatives of each case against central differences. */
export function describeDerivatives(title: string, cases: readonly DerivativeCase[]): void {
  beforeAll(async () => setBackend(await cpu()));
  describe(title, () => {
    test.each([...cases])('$name', ({ of, at }) => {
      expect(gradcheck(of, operands(...at))).toBe(true);
      expect(gradgradcheck(of, operands(...at))).toBe(true);
    });
  });
}
