/**
 * Models go in and out in a page: what PyTorch wrote gives PyTorch's numbers there, and what is
 * written is read again.
 */
import { describe, expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { manualSeed, noGrad, randn, setBackend, tensor, type Backend, type Tensor, type TensorLike } from '@rnn/core';
import { GRU, Linear, LSTM, Module } from '@rnn/nn';
import {
  openSafetensors,
  readCheckpoint,
  readOnnx,
  readPyTorch,
  readSafetensors,
  toHost,
  writeCheckpoint,
  writeOnnx,
  writeSafetensors,
} from '../src/index.js';

/** A file beside this one, as the server gives it to a page. */
async function fetched(file: string): Promise<Blob> {
  const response = await fetch(`/@fs${new URL(file, import.meta.url).pathname}`);
  expect(response.ok, file).toBe(true);
  return response.blob();
}

async function bytesOf(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array(await blob.arrayBuffer());
}

interface Sample {
  readonly x: TensorLike;
  readonly y: TensorLike;
}

/** An input and what PyTorch makes of it. */
async function sample(file: string): Promise<Sample> {
  return JSON.parse(await (await fetched(file)).text()) as Sample;
}

class Net extends Module {
  readonly rnn = new GRU(3, 5, { batchFirst: true });
  readonly head = new Linear(5, 3);
  forward(x: Tensor): Tensor {
    return this.head.forward(this.rnn.forward(x)[0]);
  }
}

function expectClose(result: Tensor, expected: TensorLike): void {
  const y = tensor(expected);
  expect(result.shape).toEqual(y.shape);
  expect(result.sub(y).abs().amax().item()).toBeLessThan(1e-6);
}

describe.each<[string, () => Promise<Backend>]>([
  ['cpu', cpu],
  ['wasm', wasm],
])('on %s', (_, make) => {
  const backend = make();

  test('a file of safetensors is read through a Blob, tensor by tensor', async () => {
    setBackend(await backend);
    const blob = await fetched('exchange/gru.safetensors');
    const ranges: number[] = [];
    const slice = blob.slice.bind(blob);
    blob.slice = (start = 0, end = blob.size, type) => {
      ranges.push(end - start);
      return slice(start, end, type);
    };
    const file = await openSafetensors(blob);
    expect(file.names).toContain('rnn.weight_hh_l0');
    ranges.length = 0;
    const weight = await file.tensor('rnn.weight_hh_l0');
    expect(weight.shape).toEqual([15, 5]);
    expect(ranges).toEqual([15 * 5 * 4]); // this tensor's bytes and no others
    const model = new Net();
    model.loadStateDict(await file.tensors());
    const { x, y } = await sample('exchange/gru.json');
    expectClose(
      noGrad(() => model.forward(tensor(x))),
      y,
    );
  });

  test('a file that the user picked is read, and half a file refused', async () => {
    setBackend(await backend);
    const picked = new File([await fetched('exchange/gru.bf16.safetensors')], 'gru.safetensors');
    const model = new Net();
    expect(model.loadStateDict(await (await openSafetensors(picked)).tensors())).toEqual({
      missing: [],
      unexpected: [],
    });
    await expect(openSafetensors(picked.slice(0, picked.size - 1))).rejects.toThrow(/the tensors take/);
  });

  test('a .pt of PyTorch gives its numbers', async () => {
    setBackend(await backend);
    const model = new Net();
    model.loadStateDict(readPyTorch(await bytesOf(await fetched('exchange/gru.pt'))));
    const { x, y } = await sample('exchange/gru.json');
    expectClose(
      noGrad(() => model.forward(tensor(x))),
      y,
    );
  });

  test.each(['lstm2.legacy', 'gru.dynamo', 'rnn_nobias.legacy'])(
    '%s.onnx gives the numbers of PyTorch',
    async (name) => {
      setBackend(await backend);
      const model = readOnnx(await bytesOf(await fetched(`onnx/cases/exchange/${name}.onnx`)));
      const { x, y } = await sample(`onnx/cases/exchange/${name.split('.')[0]}.json`);
      const result = noGrad(() => model.forward(tensor(x)));
      if (Array.isArray(result)) throw new Error('expected one output');
      expectClose(result, y);
    },
  );

  test('what is written is read again: weights, a worker’s copy of them, ONNX, a checkpoint', async () => {
    setBackend(await backend);
    manualSeed(1);
    const model = new LSTM(3, 4);
    const x = randn([5, 2, 3]);
    const [y] = noGrad(() => model.forward(x));
    const file = new Blob([writeSafetensors(await toHost(model.stateDict())) as BlobPart]);
    const again = new LSTM(3, 4);
    again.loadStateDict(readSafetensors(await bytesOf(file)).tensors);
    expect((await noGrad(() => again.forward(x))[0].data()).join()).toBe((await y.data()).join());
    const copied = new LSTM(3, 4);
    copied.loadStateDict(await posted(await toHost(model.stateDict())));
    expect((await noGrad(() => copied.forward(x))[0].data()).join()).toBe((await y.data()).join());
    const imported = readOnnx(writeOnnx(model, [x]));
    expectClose(noGrad(() => imported.run({ x })).y, y.toArray());
    const restored = new LSTM(3, 4);
    const checkpoint = await writeCheckpoint({ model, epoch: 3, best: Infinity });
    expect(readCheckpoint(checkpoint, { model: restored })).toEqual({ epoch: 3, best: Infinity });
    expect((await noGrad(() => restored.forward(x))[0].data()).join()).toBe((await y.data()).join());
  });
});

/** What comes back from a worker that a value was sent to. */
function posted<T>(value: T): Promise<T> {
  const source = URL.createObjectURL(
    new Blob(['onmessage = ({ data }) => postMessage(data)'], { type: 'text/javascript' }),
  );
  const worker = new Worker(source);
  return new Promise((resolve) => {
    worker.addEventListener('message', ({ data }: MessageEvent<T>) => {
      worker.terminate();
      URL.revokeObjectURL(source);
      resolve(data);
    });
    // oxlint-disable-next-line require-post-message-target-origin -- the rule is about windows, and this is a worker
    worker.postMessage(value);
  });
}
