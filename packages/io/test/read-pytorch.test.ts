import { cpu } from '@rnn/backend-cpu';
import { FormatError, setBackend, tensor, type Tensor, type TensorLike } from '@rnn/core';
import { readPyTorch, readSafetensors, type PyTorchValue } from '@rnn/io';
import { Embedding, GRU, LayerNorm, Linear, LSTM, Module, RNN } from '@rnn/nn';
import { describe, expect, test } from 'vitest';
import { bytesOf, expectedOf } from './files.js';

setBackend(await cpu());

const listed = (tensors: Readonly<Record<string, Tensor>>): unknown =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, { shape: [...tensor.shape], data: [...tensor.dataSync()] }]),
  );

describe('readPyTorch', () => {
  test.each([
    ['every-type', 'every-type-pt'],
    ['views', 'views'],
    ['legacy', 'views'],
  ])('reads %s.pt as PyTorch does', (file, expected) => {
    expect(listed(readPyTorch(bytesOf(`${file}.pt`)))).toEqual(expectedOf(expected));
  });

  test.each([
    'lstm_last',
    'lstm2',
    'lstm_bi_time_major',
    'gru',
    'gru2_ln',
    'gru_tokens',
    'rnn_tanh_bi',
    'rnn_nobias',
    'lstm_proj',
  ])('gives for %s what its safetensors file gives', (name) => {
    expect(readPyTorch(bytesOf(`exchange/${name}.pt`))).toEqual(
      readSafetensors(bytesOf(`exchange/${name}.safetensors`)).tensors,
    );
  });

  test('keeps the plain values of a checkpoint', () => {
    const { model, optimizer, ...rest } = readPyTorch<Record<string, PyTorchValue>>(bytesOf('checkpoint.pt'));
    expect(rest).toEqual({
      epoch: 3,
      loss: 0.25,
      best: Infinity,
      name: 'größer',
      done: false,
      none: null,
      list: [1, [2, 3]],
      big: 2n ** 70n,
      bytes: Uint8Array.of(0, 255),
      dtype: 'torch.float32',
      size: [2, 3],
      set: [7],
    });
    const expected = expectedOf('checkpoint');
    for (const [name, weight] of Object.entries(model as Record<string, Tensor>)) {
      expect([...weight.dataSync()]).toEqual(expected[`model.${name}`].data);
    }
    const { state } = optimizer as { state: Record<string, Record<string, Tensor>> };
    for (const [i, { exp_avg }] of Object.entries(state)) {
      expect([...exp_avg.dataSync()]).toEqual(expected[`optimizer.state.${i}.exp_avg`].data);
    }
  });

  test('gives tied weights as one tensor', () => {
    const tensors = readPyTorch(bytesOf('tied.pt'));
    expect(tensors['output.weight']).toBe(tensors['embedding.weight']);
  });

  test.each([
    ['a whole module', 'module.pt', /object of 'torch\.nn\.modules\.linear\.Linear'.*save a state dict/],
    ['an object of another library', 'numpy.pt', /object of 'numpy\./],
    ['a program', 'script.pt', /TorchScript/],
    ['another format', 'tied.safetensors', /the file is safetensors, which readSafetensors reads/],
  ])('refuses %s by name', (_, file, message) => {
    expect(() => readPyTorch(bytesOf(file))).toThrow(FormatError);
    expect(() => readPyTorch(bytesOf(file))).toThrow(message);
  });
});

interface Net {
  readonly kind: 'LSTM' | 'GRU' | 'RNN';
  readonly layers?: number;
  readonly bi?: boolean;
  readonly bf?: boolean;
  readonly emb?: readonly [number, number];
  readonly ln?: boolean;
  readonly last?: boolean;
  readonly proj?: number;
  readonly bias?: boolean;
}

/** The models of the folder `exchange`, which its index describes. */
class Exchanged extends Module {
  readonly net: Net;
  emb: Embedding | undefined;
  rnn: LSTM | GRU | RNN;
  norm: LayerNorm | undefined;
  head: Linear;
  constructor(net: Net) {
    super();
    this.net = net;
    const { emb, layers, bi = false, bf = true, bias, proj, ln = false } = net;
    this.emb = emb && new Embedding(...emb);
    const options = { numLayers: layers, bidirectional: bi, batchFirst: bf, bias };
    const input = emb?.[1] ?? 3;
    this.rnn =
      net.kind === 'LSTM'
        ? new LSTM(input, 5, { ...options, projSize: proj })
        : new { GRU, RNN }[net.kind](input, 5, options);
    const width = (proj ?? 5) * (bi ? 2 : 1);
    this.norm = ln ? new LayerNorm(width) : undefined;
    this.head = new Linear(width, 3);
  }
  forward(x: Tensor): Tensor {
    const input = this.emb === undefined ? x : this.emb.forward(x);
    let [y] = (this.rnn as GRU).forward(input);
    if (this.norm !== undefined) y = this.norm.forward(y);
    if (this.net.last === true) y = y.select(1, -1);
    return this.head.forward(y);
  }
}

const index = JSON.parse(new TextDecoder().decode(bytesOf('exchange/index.json'))) as { name: string; net: Net }[];

describe.each(index)('$name', ({ name, net }) => {
  const { x, y } = JSON.parse(new TextDecoder().decode(bytesOf(`exchange/${name}.json`))) as {
    x: TensorLike;
    y: TensorLike;
  };
  const flat = (values: unknown): number[] => (Array.isArray(values) ? values.flatMap(flat) : [values as number]);

  test.each([
    ['pt', 1e-6],
    ['safetensors', 1e-6],
    ['bf16.safetensors', 2e-2],
  ])('computes what it computes in PyTorch, from %s', (extension, tolerance) => {
    const model = new Exchanged(net);
    const bytes = bytesOf(`exchange/${name}.${extension}`);
    model.loadStateDict(extension === 'pt' ? readPyTorch(bytes) : readSafetensors(bytes).tensors);
    const input = tensor(x, { dtype: net.emb === undefined ? 'float32' : 'int32' });
    const got = model.forward(input).dataSync();
    const worst = flat(y).reduce((most, value, i) => Math.max(most, Math.abs(value - got[i])), 0);
    expect(got.length).toBe(flat(y).length);
    expect(worst).toBeLessThan(tolerance);
  });
});
