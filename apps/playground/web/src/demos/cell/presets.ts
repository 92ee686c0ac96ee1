/** Cells to begin with, in the language in which a visitor writes one of their own. */

export type PresetName = 'rnn' | 'lstm' | 'gru';

/** The names that the page shows for them, in their order. */
export const presetNames: readonly PresetName[] = ['rnn', 'lstm', 'gru'];

export const presets: Readonly<Record<PresetName, string>> = {
  rnn: `const Wh = randn([H, H]);
const Wx = randn([H, X]);
const b = zeros([H]);

const step = (x, h) => {
  const a = Wh.matmul(h).add(Wx.matmul(x)).add(b);
  return tanh(a);
};
`,
  lstm: `const W = randn([4 * H, X]);
const U = randn([4 * H, H]);
const b = zeros([4 * H]);

const step = (x, [h, c]) => {
  const sums = W.matmul(x).add(U.matmul(h)).add(b);
  const [si, sf, sg, so] = chunk(sums, 4);
  const i = sigmoid(si);
  const f = sigmoid(sf);
  const g = tanh(sg);
  const o = sigmoid(so);
  const next = f.mul(c).add(i.mul(g));
  return [o.mul(tanh(next)), next];
};
`,
  gru: `const W = randn([3 * H, X]);
const U = randn([3 * H, H]);
const b = zeros([3 * H]);

const step = (x, h) => {
  const [xr, xz, xn] = chunk(W.matmul(x).add(b), 3);
  const [hr, hz, hn] = chunk(U.matmul(h), 3);
  const r = sigmoid(xr.add(hr));
  const z = sigmoid(xz.add(hz));
  const n = tanh(xn.add(r.mul(hn)));
  return n.add(z.mul(h.sub(n)));
};
`,
};
