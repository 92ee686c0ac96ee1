/**
 * One step of each recurrent operator, with gates in ONNX's order, so that weights are used as they
 * lie in the file.
 */
import { clamp, linear, mul, sub, type Step, type Tensor } from '@rnn/core';
import type { Activation } from './activations.js';

/** The weights of one direction. */
export interface StepWeights {
  /** [gates * hidden, input] */
  readonly w: Tensor;
  /** [gates * hidden, hidden] */
  readonly r: Tensor;
  /** [gates * hidden] */
  readonly wb: Tensor | undefined;
  /** [gates * hidden] */
  readonly rb: Tensor | undefined;
  /** Peepholes of i, o and f, `[hidden]` each. */
  readonly p: readonly Tensor[] | undefined;
}

export type RecurrentStep = Step<Tensor, readonly Tensor[], Tensor, StepWeights>;

/** What a node says about its steps. */
export interface StepSettings {
  readonly activations: readonly Activation[];
  readonly clip: number | undefined;
  /** LSTM: the forget gate is 1 - i. */
  readonly coupled: boolean;
  /** GRU: the reset gate multiplies the product, bias included. */
  readonly resetAfter: boolean;
}

function limited(fn: Activation, clip: number | undefined): Activation {
  return clip === undefined ? fn : (x) => fn(clamp(x, -clip, clip));
}

/** h' = f(W x + R h + b) */
export function rnnStep({ activations, clip }: StepSettings): RecurrentStep {
  const f = limited(activations[0], clip);
  return (x, [h], { w, r, wb, rb }) => {
    const next = f(linear(x, w, wb).add(linear(h, r, rb)));
    return [next, [next]];
  };
}

/**
 * Gates i, o, f, c:
 *
 *     i = f(W_i x + R_i h + p_i c + b_i)    f = f(the same with its own weights)    g = g(W_c x +
 *     R_c h + b_c) c' = f c + i g    o = f(W_o x + R_o h + p_o c' + b_o)    h' = o h(c')
 */
export function lstmStep({ activations, clip, coupled }: StepSettings): RecurrentStep {
  const f = limited(activations[0], clip);
  const g = limited(activations[1], clip);
  const [, , last] = activations;
  const peeped = (sum: Tensor, c: Tensor, p: Tensor | undefined): Tensor =>
    p === undefined ? sum : sum.add(mul(c, p));
  return (x, [h, c], { w, r, wb, rb, p }) => {
    const [iSum, oSum, fSum, gSum] = linear(x, w, wb)
      .add(linear(h, r, rb))
      .chunk(4, -1);
    const i = f(peeped(iSum, c, p?.[0]));
    const forget = coupled ? sub(1, i) : f(peeped(fSum, c, p?.[2]));
    const cNext = forget.mul(c).add(i.mul(g(gSum)));
    const hNext = f(peeped(oSum, cNext, p?.[1])).mul(last(cNext));
    return [hNext, [hNext, cNext]];
  };
}

/**
 * Gates z, r, h:
 *
 *     z, r = f(W x + R h + b)    n = g(W_h x + b + R_h (r h) + b'), or with `resetAfter` g(W_h x +
 *     b + r (R_h h + b')) h' = (1 - z) n + z h
 */
export function gruStep({ activations, clip, resetAfter }: StepSettings): RecurrentStep {
  const f = limited(activations[0], clip);
  const g = limited(activations[1], clip);
  if (resetAfter) {
    return (x, [h], { w, r, wb, rb }) => {
      const [xz, xr, xn] = linear(x, w, wb).chunk(3, -1);
      const [hz, hr, hn] = linear(h, r, rb).chunk(3, -1);
      const z = f(xz.add(hz));
      const n = g(xn.add(f(xr.add(hr)).mul(hn)));
      const next = n.add(z.mul(h.sub(n)));
      return [next, [next]];
    };
  }
  return (x, [h], { w, r, wb, rb }) => {
    const size = h.shape[h.rank - 1];
    const [xGates, xn] = linear(x, w, wb).split([2 * size, size], -1);
    const [rGates, rn] = r.split([2 * size, size]);
    const [bGates, bn] = rb?.split([2 * size, size]) ?? [];
    const [z, reset] = f(xGates.add(linear(h, rGates, bGates))).chunk(2, -1);
    const n = g(xn.add(linear(reset.mul(h), rn, bn)));
    const next = n.add(z.mul(h.sub(n)));
    return [next, [next]];
  };
}
