/**
 * Steps of recurrences from papers, as `docs/gallery.md` shows them: each compiles, forward and
 * backward.
 */
import {
  concat,
  exp,
  linear,
  matmul,
  maximum,
  neg,
  sigmoid,
  softmax,
  softplus,
  sqrt,
  tanh,
  type Tensor,
} from '@rnn/core';

/** The weights of a step by name, `[out, in]` as PyTorch stores them. */
export type Weights = Readonly<Record<string, Tensor>>;

/** A step: an input and states, `[B, ...]` each, to an output and the next states. */
export type GalleryStep = (x: Tensor, states: readonly Tensor[], weights: Weights) => readonly [Tensor, Tensor[]];

/** `log(sigmoid(x))`. */
const logSigmoid = (x: Tensor): Tensor => neg(softplus(neg(x)));

/** The vector of length 1 in the same direction. */
const unit = (k: Tensor): Tensor => k.div(sqrt(k.square().sum(-1, true).add(1e-6)));

/** What a matrix `[B, K, V]` gives for `[B, K]`: `k^T S`. */
const recall = (S: Tensor, k: Tensor): Tensor => k.unsqueeze(1).matmul(S).squeeze(1);

/** `k v^T`, a matrix for each row. */
const outer = (k: Tensor, v: Tensor): Tensor => k.unsqueeze(2).mul(v.unsqueeze(1));

/** Block-diagonal weights `R [N, D, count * D]`: each head makes its part of every gate. */
function headGates(h: Tensor, R: Tensor, count: number): Tensor {
  const [heads, size] = R.shape;
  const rows = h.shape[0];
  const parts = h.reshape([rows, heads, 1, size]).matmul(R).reshape([rows, heads, count, size]);
  return parts.permute([0, 2, 1, 3]).reshape([rows, count * heads * size]);
}

/** The GRU's rule, from what input and state contribute to the gates r, z and n. */
function gruUpdate(fromX: Tensor, fromH: Tensor, h: Tensor): Tensor {
  const [[xr, xz, xn], [hr, hz, hn]] = [fromX.chunk(3, -1), fromH.chunk(3, -1)];
  const [r, z] = [sigmoid(xr.add(hr)), sigmoid(xz.add(hz))];
  const n = tanh(xn.add(r.mul(hn)));
  return n.add(z.mul(h.sub(n)));
}

/**
 * sLSTM: heads, and exponential gates that are kept in range by the largest exponent so far (Beck
 * et al. 2024).
 */
export const slstm: GalleryStep = (x, [h, c, n, m], { W, b, R }) => {
  const [z, i, f, o] = linear(x, W, b)
    .add(headGates(h, R, 4))
    .chunk(4, -1);
  const keep = logSigmoid(f).add(m);
  const top = maximum(keep, i);
  const [input, forget] = [exp(i.sub(top)), exp(keep.sub(top))];
  const nextC = forget.mul(c).add(input.mul(tanh(z)));
  const nextN = forget.mul(n).add(input);
  const y = sigmoid(o).mul(nextC.div(nextN));
  return [y, [y, nextC, nextN, top]];
};

/** mLSTM: the memory is a matrix (Beck et al. 2024). */
export const mlstm: GalleryStep = (x, [C, n, m], { W, V, b }) => {
  const [q, key, v] = linear(x, W).chunk(3, -1);
  const gates = linear(x, V, b);
  const [i, f, o] = [gates.narrow(-1, 0, 1), gates.narrow(-1, 1, 1), gates.narrow(-1, 2, gates.shape[1] - 2)];
  const k = key.mul(1 / Math.sqrt(key.shape[1]));
  const keep = logSigmoid(f).add(m);
  const top = maximum(keep, i);
  const [input, forget] = [exp(i.sub(top)), exp(keep.sub(top))];
  const nextC = forget
    .unsqueeze(2)
    .mul(C)
    .add(outer(input.mul(v), k));
  const nextN = forget.mul(n).add(input.mul(k));
  const size = maximum(nextN.mul(q).sum(-1, true).abs(), 0.3);
  const y = sigmoid(o)
    .mul(matmul(nextC, q.unsqueeze(2)).squeeze(2))
    .div(size);
  return [y, [nextC, nextN, top]];
};

/** A GRU whose recurrent weights are block-diagonal. */
export const blockGru: GalleryStep = (x, [h], { W, b, R }) => {
  const next = gruUpdate(linear(x, W, b), headGates(h, R, 3), h);
  return [next, [next]];
};

/** Gated linear attention (Yang et al. 2024): the memory fades by a gate for each key. */
export const linearAttention: GalleryStep = (x, [S], { W }) => {
  const [q, k, v, a] = linear(x, W).chunk(4, -1);
  const next = sigmoid(a).unsqueeze(2).mul(S).add(outer(k, v));
  return [recall(next, q), [next]];
};

/**
 * The delta rule (Schlag et al. 2021): what the memory gives for a key becomes more like the value.
 */
export const deltaRule: GalleryStep = (x, [S], { W, w }) => {
  const [q, key, v] = linear(x, W).chunk(3, -1);
  const [k, beta] = [unit(key), sigmoid(linear(x, w))];
  const next = S.add(outer(k, beta.mul(v.sub(recall(S, k)))));
  return [recall(next, q), [next]];
};

/** The gated delta rule (Yang et al. 2025): the memory fades before it is corrected. */
export const gatedDeltaRule: GalleryStep = (x, [S], { W, w }) => {
  const [q, key, v] = linear(x, W).chunk(3, -1);
  const [alpha, beta] = sigmoid(linear(x, w)).chunk(2, -1);
  const k = unit(key);
  const faded = alpha.unsqueeze(2).mul(S);
  const next = faded.add(outer(k, beta.mul(v.sub(recall(faded, k)))));
  return [recall(next, q), [next]];
};

/**
 * The time mix of RWKV-4 (Peng et al. 2023): a weighted mean over the past, with exponents kept in
 * range.
 */
export const rwkv: GalleryStep = (x, [before, a, b, top], p) => {
  const mix = (share: Tensor): Tensor => before.add(share.mul(x.sub(before)));
  const [k, v] = [linear(mix(p.mix_k), p.Wk), linear(mix(p.mix_v), p.Wv)];
  const r = sigmoid(linear(mix(p.mix_r), p.Wr));
  const boosted = p.bonus.add(k);
  const now = maximum(top, boosted);
  const [past, present] = [exp(top.sub(now)), exp(boosted.sub(now))];
  const mean = past.mul(a).add(present.mul(v)).div(past.mul(b).add(present));
  const old = top.sub(exp(p.decay));
  const after = maximum(old, k);
  const [kept, added] = [exp(old.sub(after)), exp(k.sub(after))];
  return [linear(r.mul(mean), p.Wo), [x, kept.mul(a).add(added.mul(v)), kept.mul(b).add(added), after]];
};

/**
 * A GRU that attends to a memory `[B, S, H]` at each step, with input feeding (Luong et al. 2015).
 */
export const luongDecoder: GalleryStep = (x, [h, feed], { W, b, R, A, C, memory }) => {
  const next = gruUpdate(linear(concat([x, feed], -1), W, b), linear(h, R), h);
  const scores = next.matmul(A).unsqueeze(1).matmul(memory, { transposeB: true });
  const context = softmax(scores, -1).matmul(memory).squeeze(1);
  const nextFeed = tanh(linear(concat([context, next], -1), C));
  return [nextFeed, [next, nextFeed]];
};
