import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import { RnnError, setBackend, tensor, type Backend, type Tensor } from '../../src/index.js';

/** The current backend of each test, and a second one. */
export let backend: Backend;
let other: Backend;

beforeEach(async () => {
  backend = await cpu();
  other = await cpu();
  setBackend(backend);
});

/** Operands of wrong calls: a matrix [2, 3], vectors of 3 and a single number. */
export const x = (): Tensor => tensor(new Float32Array([1, 2, 3, 4, 5, 6])).reshape([2, 3]);
export const v = (): Tensor => tensor([1, 2, 3]);
export const one = (): Tensor => tensor(1);
export const double = (): Tensor => tensor([1, 2, 3], { dtype: 'float64' });
export const whole = (values: number[] | number[][] = [1, 2, 3]): Tensor => tensor(values, { dtype: 'int32' });
export const elsewhere = (): Tensor => tensor([1, 2, 3], { backend: other });

/** What only a caller in JavaScript could pass. */
export const not = (value: unknown): never => value as never;

export const noTensor = 'expected a Tensor; make one with tensor(...)';

/** A call, the code of its error, the argument at fault (if one is), and the message. */
type Refusal = readonly [call: () => unknown, code: string, argument: string | undefined, message: string];

export function describeRefusals(title: string, refusals: readonly Refusal[]): void {
  describe(title, () => {
    test.each(refusals.map(([call, code, argument, message]) => ({ title: message, call, code, argument, message })))(
      '$title',
      ({ call, code, argument, message }) => {
        expect(call).toThrow(expect.objectContaining({ code, argument, message }));
        expect(call).toThrow(RnnError);
      },
    );
  });
}
