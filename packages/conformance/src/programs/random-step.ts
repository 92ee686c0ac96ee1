/**
 * Random steps of a recurrence, with what autograd and control flow can do to them: the numbers of
 * a compiled loop must not notice.
 */
import * as fc from 'fast-check';
import {
  add,
  bernoulli,
  cos,
  cumsum,
  customOperation,
  div,
  mul,
  noGrad,
  sin,
  sub,
  tanh,
  where,
  type Tensor,
} from '@rnn/core';

/** How an instruction stands in the autograd graph. */
type Way = 'plain' | 'detached' | 'noGrad';

/**
 * One line of a step. `a` and `b` choose among the values so far: the input, the state, the
 * weights, then each line.
 */
interface Line {
  readonly kind: (typeof kinds)[number];
  readonly way: Way;
  readonly a: number;
  readonly b: number;
  /** A slope of a user's derivative, a size of the batch, a probability. */
  readonly number: number;
}

export interface RandomStep {
  readonly lines: readonly Line[];
}

/** Weights of a step: a row and a matrix. */
export interface StepWeights {
  readonly w: Tensor;
  readonly W: Tensor;
}

/** Features of input and state. */
export const WIDTH = 2;

const kinds = [
  'add',
  'sub',
  'mul',
  'tanh',
  'product',
  'scaled',
  'largest',
  'smallest',
  'logarithm',
  'quotient',
  'choice',
  'blocks',
  'fromTheLeft',
  'outer',
  'runningSum',
  'wave',
  'straightThrough',
  'ofTheBatch',
  'draw',
] as const;

const line = (among: readonly Line['kind'][]): fc.Arbitrary<Line> =>
  fc.record({
    kind: fc.constantFrom(...among),
    way: fc.constantFrom<Way>('plain', 'plain', 'plain', 'detached', 'noGrad'),
    a: fc.nat({ max: 9 }),
    b: fc.nat({ max: 9 }),
    number: fc.integer({ min: 1, max: 3 }),
  });

/**
 * Steps that differ in little: the same lines, of which some are detached, run without recording or
 * have another number. Who confuses them gets one's gradient for the other.
 *
 * @param perRow - leave out what looks at the whole batch
 */
export function randomSteps(perRow: boolean): fc.Arbitrary<readonly RandomStep[]> {
  const among = perRow ? kinds.filter((kind) => kind !== 'ofTheBatch' && kind !== 'draw') : kinds;
  return fc.array(line(among), { minLength: 1, maxLength: 6 }).chain((lines) => {
    const variant = fc
      .array(
        fc.record({ way: fc.constantFrom<Way>('plain', 'detached', 'noGrad'), number: fc.integer({ min: 1, max: 3 }) }),
        {
          minLength: lines.length,
          maxLength: lines.length,
        },
      )
      .map((changes) => ({ lines: lines.map((one, i) => ({ ...one, ...changes[i] })) }));
    return fc.array(variant, { minLength: 1, maxLength: 2 }).map((variants) => [{ lines }, ...variants, { lines }]);
  });
}

/** Runs a step: output and next state, `[B, WIDTH]` each. */
export function runStep({ lines }: RandomStep, x: Tensor, h: Tensor, weights: StepWeights): readonly [Tensor, Tensor] {
  const values = [x, h];
  for (const each of lines) {
    const [a, b] = [values[each.a % values.length], values[each.b % values.length]];
    values.push(valueOf(each, a, b, x, weights));
  }
  const last = values[values.length - 1];
  // Bounded, so that no example grows out of float32; the state takes part whatever the lines do.
  return [tanh(add(last, mul(h, weights.w))), tanh(add(mul(h, 0.5), mul(last, 0.5)))];
}

function valueOf({ kind, way, number }: Line, a: Tensor, b: Tensor, x: Tensor, { w, W }: StepWeights): Tensor {
  const compute = (): Tensor => {
    switch (kind) {
      case 'add':
        return add(a, b);
      case 'sub':
        return sub(a, b);
      case 'mul':
        return tanh(mul(a, b));
      case 'tanh':
        return tanh(a);
      case 'product':
        return a.matmul(W);
      case 'scaled':
        return mul(a, w);
      case 'largest':
        return sub(a, a.mul(b).amax(-1, true));
      case 'smallest':
        return add(a, a.add(b).amin(-1, true));
      case 'logarithm': // has a pole at what padding would be
        return tanh(x.abs().log().mul(a));
      case 'quotient': // likewise
        return tanh(div(a, x));
      case 'choice':
        return where(x.gt(0), a, b);
      case 'blocks': // a matrix for each of two blocks
        return a
          .reshape([a.shape[0], WIDTH, 1, 1])
          .matmul(w.reshape([WIDTH, 1, 1]))
          .reshape(a.shape);
      case 'fromTheLeft':
        return W.matmul(b.unsqueeze(-1)).squeeze(-1);
      case 'outer': // (a b^T) W b, a matrix for each row on the way
        return tanh(a.unsqueeze(2).matmul(b.unsqueeze(1)).matmul(W).matmul(b.unsqueeze(2)).squeeze(2));
      case 'runningSum':
        return tanh(cumsum(a, -1));
      case 'wave':
        return sin(a.mul(number)).add(cos(b));
      case 'straightThrough':
        return customOperation({
          name: 'tanh',
          inputs: [a],
          forward: () => ({ result: tanh(a) }),
          derivatives: [(grad) => grad.mul(number)],
        });
      case 'ofTheBatch':
        return a.shape[0] > number ? a.neg() : a.mul(0.5);
      case 'draw':
        return mul(a, bernoulli(a, number / 4));
    }
  };
  const value = way === 'noGrad' ? noGrad(compute) : compute();
  return way === 'detached' ? value.detach() : value;
}
