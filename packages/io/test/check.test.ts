/**
 * What `rnn-io check` finds: models are made wrong in one way each, and ONNX Runtime and PyTorch
 * say what they refuse.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as ort from 'onnxruntime-web';
import { afterAll, describe, expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { manualSeed, randn, setBackend, tensor, zeros, type Tensor } from '@rnn/core';
import { Linear, LSTM, Module, PeepholeLSTMCell, Recurrent, Sequential } from '@rnn/nn';
import { writeOnnx, writeSafetensors } from '@rnn/io';
import { check } from '../src/command/check/check.js';
import { passes, type Finding, type Report } from '../src/command/check/finding.js';
import {
  AttributeProto_AttributeType as Kind,
  TensorProto_DataType,
  type ModelProto,
} from '../src/onnx/schema.generated.js';
import { attributeOf, convolutional, edited, type Model } from './onnx/model-editor.js';
import { sessionOf } from './onnx/onnx-runtime.js';

setBackend(await cpu());
manualSeed(5);

const folder = mkdtempSync(join(tmpdir(), 'rnn-io-check-'));
afterAll(() => rmSync(folder, { recursive: true }));
const given = (name: string): string => join(import.meta.dirname, name);

let files = 0;
function written(bytes: Uint8Array, extension: string): string {
  const path = join(folder, `${files++}.${extension}`);
  writeFileSync(path, bytes);
  return path;
}

const checked = (bytes: Uint8Array, extension = 'onnx'): Promise<Report> => check(written(bytes, extension), undefined);

function said({ findings }: Report, verdict: Finding['verdict'], by?: Finding['by']): string {
  return findings
    .filter((finding) => finding.verdict === verdict && (by === undefined || finding.by === by))
    .map(({ by: who, where, what }) => `${who}: ${where ?? ''}: ${what}`)
    .join('\n');
}

class Streamed extends Module {
  readonly lstm = new LSTM(3, 4);
  readonly head = new Linear(4, 2);
  forward(x: Tensor, h: Tensor, c: Tensor): Record<string, Tensor> {
    const [y, [hn, cn]] = this.lstm.forward(x, [h, c]);
    return { y: this.head.forward(y), hn, cn };
  }
}

const streamed = writeOnnx(new Streamed(), [randn([5, 2, 3]), randn([1, 2, 4]), randn([1, 2, 4])], {
  inputNames: ['x', 'h', 'c'],
});
const lstmOf = ({ graph }: Model): Model['graph']['node'][number] =>
  graph.node.find(({ opType }) => opType === 'LSTM') as Model['graph']['node'][number];
const setState = (model: ModelProto, links: readonly { input: string; output: string }[]): void => {
  for (const entry of model.metadataProps) if (entry.key === 'rnn.state') entry.value = JSON.stringify(links);
};
const without = (model: ModelProto, key: string): void => {
  model.metadataProps = model.metadataProps.filter((entry) => entry.key !== key);
};
const exchanged = (list: string[], a: number, b: number): void => {
  [list[a], list[b]] = [list[b], list[a]];
};

describe('states', () => {
  test('a written model passes: its states go on, its self-test agrees', async () => {
    const report = await checked(streamed);
    expect(passes(report, false)).toBe(true);
    expect(said(report, 'keep', 'state')).toMatch(/hn -> h:[^]*cn -> c:[^]*in two parts/);
    expect(said(report, 'keep', 'self-test')).toMatch(/y, hn, cn: as expected/);
  });

  test.each<[string, (model: Model) => void, RegExp]>([
    [
      'a contract that hands h to c',
      (model) =>
        setState(model, [
          { input: 'h', output: 'cn' },
          { input: 'c', output: 'hn' },
        ]),
      /state: cn -> h: swapped: 'h' is h of LSTM .*'cn' is c of LSTM/,
    ],
    [
      'h and c exchanged at the node',
      (model) => exchanged(lstmOf(model).input, 5, 6),
      /self-test: : 'h' and 'c' are swapped/,
    ],
    [
      'last states exchanged at the node',
      (model) => exchanged(lstmOf(model).output, 1, 2),
      /state: hn -> h: swapped[^]*self-test: : the outputs 'hn' and 'cn' are swapped/,
    ],
    [
      'h and c exchanged at both ends, without a self-test',
      (model) => {
        without(model, 'rnn.self_test');
        without(model, 'rnn.state');
        exchanged(lstmOf(model).input, 5, 6);
        exchanged(lstmOf(model).output, 1, 2);
      },
      /swapped h and c: 'h', which is c of the node/,
    ],
    ['a contract without c', (model) => setState(model, [{ input: 'h', output: 'hn' }]), /state: c: a stale state/],
    [
      'a state that comes out as it went in',
      (model) => {
        for (const node of model.graph.node) if (node.output[0] === 'hn') node.input[0] = 'h';
      },
      /hn -> h: a stale state: the output is it unchanged/,
    ],
    [
      'a state that does not come out',
      (model) => {
        without(model, 'rnn.state');
        model.graph.output = model.graph.output.filter(({ name }) => name !== 'cn');
      },
      /state: c: a stale state: .*no output holds it/,
    ],
    [
      'a contract of an output that is not there',
      (model) => setState(model, [{ input: 'h', output: 'z' }]),
      /no output 'z'/,
    ],
    [
      'one output for two inputs',
      (model) =>
        setState(model, [
          { input: 'h', output: 'hn' },
          { input: 'c', output: 'hn' },
        ]),
      /handed to two inputs/,
    ],
    [
      'a contract that is no list',
      (model) => {
        for (const entry of model.metadataProps) if (entry.key === 'rnn.state') entry.value = '{';
      },
      /no list of/,
    ],
  ])('%s', async (_, change, message) => {
    const report = await checked(edited(streamed, change));
    expect(said(report, 'wrong')).toMatch(message);
    expect(passes(report, false)).toBe(false);
  });

  test('states of a cell of its own that change places', async () => {
    class Net extends Module {
      readonly layer = new Recurrent(new PeepholeLSTMCell(3, 4));
      forward(x: Tensor, h: Tensor, c: Tensor): Tensor[] {
        const [y, [hn, cn]] = this.layer.forward(x, [h, c]);
        return [y, hn, cn];
      }
    }
    const bytes = writeOnnx(new Net(), [randn([5, 2, 3]), randn([2, 4]), randn([2, 4])]);
    expect(passes(await checked(bytes), true)).toBe(true);
    const report = await checked(
      edited(bytes, (model) =>
        setState(model, [
          { input: 'x1', output: 'y2' },
          { input: 'x2', output: 'y1' },
        ]),
      ),
    );
    expect(said(report, 'wrong')).toMatch(
      /swapped: 'x1' is state 0 of Scan .*'y2' is state 1 of Scan[^]*with y1 -> x1, y2 -> x2/,
    );
  });

  test('a last state that no input takes is told', async () => {
    const report = await checked(writeOnnx(new LSTM(3, 4), [randn([5, 2, 3])]));
    expect(passes(report, false)).toBe(true);
    expect(passes(report, true)).toBe(true); // strict holds readers to account, not what a model leaves out
    expect(said(report, 'change', 'state')).toMatch(/y1: a stale state if it is meant to go on/);
  });

  test.each([
    [1, 'wrong', /a wrong context; its convolution/],
    [0, 'keep', /in two parts/],
  ] as const)('a convolution with padding %d before the layer', async (padding, verdict, message) => {
    expect(said(await checked(convolutional(padding)), verdict, 'state')).toMatch(message);
  });
});

describe('self-tests', () => {
  const selfTest = (bytes: Uint8Array, change: (vector: Vector) => void): Uint8Array =>
    edited(bytes, ({ metadataProps }) => {
      for (const entry of metadataProps) {
        if (entry.key !== 'rnn.self_test') continue;
        const vector = JSON.parse(entry.value) as Vector;
        change(vector);
        entry.value = JSON.stringify(vector);
      }
    });
  interface Vector {
    inputs: Record<string, { shape: number[]; data: number[] }>;
    outputs: Record<string, { shape: number[]; data: number[] }>;
  }

  test('another weight', async () => {
    const bytes = edited(streamed, ({ graph }) => {
      const weight = graph.initializer.find(({ name }) => name === 'head.weight');
      if (weight !== undefined) weight.rawData = weight.rawData.map((byte, i) => (i % 4 === 3 ? byte ^ 0x80 : byte));
    });
    const report = await checked(bytes);
    expect(said(report, 'wrong', 'self-test')).toMatch(/^self-test: y: lies up to/);
    expect(passes(report, false)).toBe(false);
  });

  test('results of a state that stayed at zero', async () => {
    const model = new Streamed();
    const bytes = writeOnnx(model, [randn([5, 2, 3]), zeros([1, 2, 4]), zeros([1, 2, 4])], {
      inputNames: ['x', 'h', 'c'],
    });
    const report = await checked(
      selfTest(bytes, ({ inputs }) => {
        inputs.h.data = inputs.h.data.map((_, i) => i / 8);
        inputs.c.data = inputs.c.data.map((_, i) => -i / 8);
      }),
    );
    expect(said(report, 'wrong', 'self-test')).toMatch(
      /a stale state: with 'h' and 'c' as before the first call it agrees/,
    );
  });

  test('frames without what they repeat of the frame before', async () => {
    const frames = randn([4, 12]).toArray() as number[][];
    for (let t = 0; t < 4; t++) frames[t].splice(0, 4, ...(t === 0 ? [0, 0, 0, 0] : frames[t - 1].slice(8)));
    const model = new Sequential(new Linear(12, 3));
    const bytes = writeOnnx(model, [tensor(frames)]);
    const vector = (given: number[][]): Uint8Array =>
      selfTest(bytes, (example) => {
        example.inputs = { x: { shape: [4, 12], data: given.flat() } };
        const y = model.forward(tensor(frames));
        example.outputs = { y: { shape: [4, 3], data: [...y.dataSync()] } };
      });
    expect(said(await checked(vector(frames)), 'wrong')).toBe('');
    const report = await checked(vector(frames.map((frame) => frame.map((value, i) => (i < 4 ? 0 : value)))));
    expect(said(report, 'wrong', 'self-test')).toMatch(/a wrong context: with the last 4 numbers of each frame of 'x'/);
  });

  test('a vector that is none, and one of outputs that the model has not', async () => {
    const broken = edited(streamed, ({ metadataProps }) => {
      for (const entry of metadataProps) if (entry.key === 'rnn.self_test') entry.value = '{"inputs": 3}';
    });
    expect(said(await checked(broken), 'wrong')).toMatch(/'rnn.self_test' is not/);
    const other = selfTest(streamed, ({ outputs }) => {
      outputs.z = outputs.y;
    });
    expect(said(await checked(other), 'wrong')).toMatch(/expects z/);
    const wide = selfTest(streamed, ({ inputs }) => {
      inputs.x = { shape: [5, 2, 2], data: inputs.x.data.slice(0, 20) };
    });
    expect(said(await checked(wide), 'wrong')).toMatch(/'x' is given as the shape \[5, 2, 2\]/);
  });
});

describe('context', () => {
  test.each([
    [576, 'keep', /a context of 64/],
    [512, 'wrong', /a wrong context: the input takes 512, but it is Silero's/],
  ] as const)('a known model that takes %d', async (width, verdict, message) => {
    const bytes = edited(
      writeOnnx(new Sequential(new Linear(width, 1)), [zeros([2, width])], { inputNames: ['input'] }),
      ({ graph }) => {
        for (const weight of graph.initializer)
          weight.name = weight.name.replace(/.*weight/, 'stft.forward_basis_buffer');
        for (const { input } of graph.node)
          input.forEach((name, i) => (input[i] = name.replace(/.*weight/, 'stft.forward_basis_buffer')));
      },
    );
    expect(said(await checked(bytes), verdict, 'state')).toMatch(message);
  });
});

describe('ONNX Runtime and PyTorch', () => {
  const plain = writeOnnx(new LSTM(3, 4), [randn([5, 2, 3])]);
  const cases: [string, Uint8Array][] = [
    ...['lstm2.legacy', 'gru.dynamo', 'rnn_nobias.legacy', 'lstm_bi_time_major.dynamo', 'lstm_proj.dynamo'].map(
      (name): [string, Uint8Array] => [name, readFileSync(given(`onnx/cases/exchange/${name}.onnx`))],
    ),
    ['plain', plain],
    [
      'layout',
      edited(plain, (model) => lstmOf(model).attribute.push(attributeOf('layout', { type: Kind.INT, i: 1n }))),
    ],
    [
      'an activation of no library',
      edited(plain, (model) => {
        const strings = ['Sigmoid', 'Gelu', 'Tanh'].map((name) => new TextEncoder().encode(name));
        lstmOf(model).attribute.push(attributeOf('activations', { type: Kind.STRINGS, strings }));
      }),
    ],
    ['a domain of its own', edited(plain, (model) => (lstmOf(model).domain = 'com.example'))],
    ['a version that does not exist', edited(plain, (model) => (model.irVersion = 99n))],
    ['float64', writeOnnx(new LSTM(3, 4, { dtype: 'float64' }), [randn([5, 2, 3], { dtype: 'float64' })])],
  ];

  test.each(cases)('%s: refused here as by ONNX Runtime', async (name, bytes) => {
    const report = await checked(bytes);
    const isRefused = said(report, 'refuse', 'ONNX Runtime') !== '' || said(report, 'refuse', 'ONNX') !== '';
    expect(isRefused, name).toBe(!(await runs(bytes)));
    expect(passes(report, false)).toBe(!isRefused);
  });

  /** Whether ONNX Runtime loads and runs a model on zeros. */
  async function runs(bytes: Uint8Array): Promise<boolean> {
    try {
      const session = await sessionOf(bytes);
      const feeds = session.inputMetadata.map((info): [string, ort.Tensor] => {
        if (!info.isTensor) throw new Error(info.name);
        const shape = info.shape.map((size) => (typeof size === 'number' ? size : 4));
        const size = shape.reduce((product, dim) => product * dim, 1);
        const data = info.type === 'float64' ? new Float64Array(size) : new Float32Array(size);
        return [info.name, new ort.Tensor(info.type as 'float32', data as Float32Array, shape)];
      });
      await session.run(Object.fromEntries(feeds));
      return true;
    } catch (error) {
      if (error instanceof Error || typeof error === 'number') return false;
      throw error;
    }
  }

  test('a projection is told by name, and what to do', async () => {
    const report = await check(given('onnx/cases/exchange/lstm_proj.dynamo.onnx'), undefined);
    expect(said(report, 'refuse', 'ONNX Runtime')).toMatch(/a projection \(h of 2, c of 5\).*writeOnnx/);
  });

  test('layers that PyTorch has not', async () => {
    const peepholes = edited(plain, (model) => {
      const { graph } = model;
      const zero = { ...graph.initializer[0], name: 'P', dims: [1n, 12n], rawData: new Uint8Array(48) };
      graph.initializer.push(zero);
      const { input } = lstmOf(model);
      while (input.length < 7) input.push('');
      input.push('P');
    });
    expect(said(await checked(peepholes), 'refuse', 'PyTorch')).toMatch(/nn.LSTM has no peepholes/);
    const gru = readFileSync(given('onnx/cases/exchange/gru.legacy.onnx'));
    const before = edited(gru, ({ graph }) => {
      for (const node of graph.node)
        node.attribute = node.attribute.filter(({ name }) => name !== 'linear_before_reset');
    });
    expect(said(await checked(before), 'refuse', 'PyTorch')).toMatch(/nn.GRU has no linear_before_reset=0/);
    expect(said(await checked(gru), 'keep', 'PyTorch')).toMatch(/nn.GRU\(3, 5\)/);
  });

  test('weights that are no numbers', async () => {
    const bytes = edited(plain, ({ graph }) => graph.initializer[0].rawData.set([0, 0, 0xc0, 0x7f]));
    expect(said(await checked(bytes), 'wrong', '@rnn')).toMatch(/1 of \d+ numbers are NaN/);
    const half = edited(plain, ({ graph }) => {
      graph.initializer[0].dataType = TensorProto_DataType.BFLOAT16;
      graph.initializer[0].rawData = graph.initializer[0].rawData.slice(graph.initializer[0].rawData.length / 2);
    });
    expect(said(await checked(half), 'change', '@rnn')).toMatch(/1 weights: bfloat16 becomes float32/);
  });
});

describe('weights', () => {
  test('files of PyTorch load as the layers that wrote them', async () => {
    for (const name of ['gru', 'lstm2', 'lstm_proj', 'lstm_bi_time_major', 'rnn_nobias']) {
      for (const file of [`exchange/${name}.safetensors`, `exchange/${name}.pt`]) {
        const report = await check(given(file), undefined);
        expect(said(report, 'keep', 'PyTorch'), file).toContain(layers[name]);
        expect(passes(report, false)).toBe(true);
      }
    }
  });

  const layers: Record<string, string> = {
    gru: 'rnn: loads as nn.GRU(3, 5)',
    lstm2: 'rnn: loads as nn.LSTM(3, 5, num_layers=2)',
    lstm_proj: 'rnn: loads as nn.LSTM(3, 5, proj_size=2)',
    lstm_bi_time_major: 'rnn: loads as nn.LSTM(3, 5, bidirectional=True)',
    rnn_nobias: 'rnn: loads as nn.RNN(3, 5, bias=False)',
  };

  const lstm = (): Record<string, { shape: readonly number[]; data: Float32Array }> =>
    Object.fromEntries(
      new LSTM(3, 4, { bidirectional: true })
        .namedParameters()
        .map(([name, tensor]) => [name, { shape: tensor.shape, data: tensor.dataSync() as Float32Array }]),
    );
  const of = (change: (tensors: ReturnType<typeof lstm>) => void): Promise<Report> => {
    const tensors = lstm();
    change(tensors);
    return checked(writeSafetensors(tensors), 'safetensors');
  };

  test.each<[string, (tensors: ReturnType<typeof lstm>) => void, RegExp]>([
    ['a missing bias', (tensors) => delete tensors.bias_hh_l0, /its twin bias_hh_l0 is missing/],
    [
      'a missing direction',
      (tensors) => delete tensors.weight_hh_l0_reverse,
      /its twin weight_hh_l0_reverse is missing/,
    ],
    ['a missing recurrence', (tensors) => delete tensors.weight_hh_l0, /lacks weight_hh_l0, the twin of/],
    [
      'another size',
      (tensors) => (tensors.bias_ih_l0 = { shape: [4], data: new Float32Array(4) }),
      /bias_ih_l0 is \[4\], expected \[16\]/,
    ],
    [
      'two gates',
      (tensors) => (tensors.weight_hh_l0 = { shape: [8, 4], data: new Float32Array(32) }),
      /has 8 rows, expected 1 \(RNN\)/,
    ],
  ])('%s: PyTorch refuses it', async (_, change, message) => {
    const report = await of(change);
    expect(said(report, 'refuse', 'PyTorch')).toMatch(message);
    expect(passes(report, false)).toBe(false);
  });

  test('a NaN and an infinity', async () => {
    const report = await of((tensors) => tensors.bias_ih_l0.data.set([NaN, -Infinity]));
    expect(said(report, 'wrong')).toMatch(/bias_ih_l0: 1 NaN and 1 infinite of 16/);
    expect(passes(report, false)).toBe(false);
  });

  test('a cell that torch.nn has not', async () => {
    const report = await checked(writeSafetensors(new PeepholeLSTMCell(3, 4).stateDict()), 'safetensors');
    expect(said(report, 'refuse', 'PyTorch')).toMatch(/no cell of torch.nn has weight_cf, weight_ci, weight_co/);
  });

  test('what is tied, what is left out, what is rounded', async () => {
    expect(said(await check(given('files/tied.pt'), undefined), 'change')).toMatch(/tied: one value/);
    expect(said(await check(given('files/tied.safetensors'), undefined), 'change')).toMatch(
      /output.weight: a missing twin/,
    );
    const short = await check(given('exchange/gru.bf16.safetensors'), undefined);
    expect(said(short, 'change')).toMatch(/BF16 becomes float32, exactly/);
    expect(passes(short, false)).toBe(true);
    expect(passes(short, true)).toBe(false);
  });
});

describe('the command', () => {
  async function rnnIo(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    const cli = given('../dist/cli.js');
    return promisify(execFile)(process.execPath, [cli, 'check', ...args]).then(
      ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
        code,
        out: stdout,
        err: stderr,
      }),
    );
  }

  test('says what it found, plainly in a pipe, and how it ended', async () => {
    const good = await rnnIo(written(streamed, 'onnx'));
    expect(good).toMatchObject({ code: 0, err: '' });
    expect(good.out).toMatch(/\.onnx: ONNX, opset 17, .*by @rnn\/io\n\n[^]*keep +self-test: y, hn, cn[^]*\n\npasses: /);
    expect(good.out).not.toContain('\u001b');
    const bad = await rnnIo(given('onnx/cases/exchange/lstm_proj.dynamo.onnx'));
    expect(bad.code).toBe(1);
    expect(bad.out).toMatch(/\n\nrefuse +ONNX: LSTM [^]*\n\ndoes not pass: 3 refuse, 1 keep\n$/);
  });

  test('as JSON, for a vector, and strictly', async () => {
    const { out } = await rnnIo('--json', given('exchange/gru.pt'));
    expect(JSON.parse(out)).toMatchObject({ passes: true, summary: 'PyTorch, 6 tensors, 168 numbers' });
    expect((await rnnIo('--strict', given('exchange/gru.bf16.safetensors'))).code).toBe(1);
    const vector = join(folder, 'vector.json');
    const tensors = { x: { shape: [1, 1, 3], data: [1, 2, 3] }, h: { shape: [1, 1, 4], data: [0, 0, 0, 0] } };
    writeFileSync(vector, JSON.stringify({ inputs: { ...tensors, c: tensors.h }, outputs: { hn: tensors.h } }));
    const { code, out: text } = await rnnIo(written(streamed, 'onnx'), '--vector', vector);
    expect(code).toBe(1);
    expect(text).toMatch(/wrong +self-test: hn: lies up to/);
  });

  test.each([
    [['none.onnx'], 2, /none[.]onnx: there is no such file/],
    [[given('check.test.ts')], 2, /of no known kind/],
    [[given('exchange/gru.pt'), '--vector', given('exchange/gru.json')], 2, /vector/],
  ])('cannot check %j', async (args, code, message) => {
    const result = await rnnIo(...args);
    expect(result).toMatchObject({ code, out: '' });
    expect(result.err).toMatch(message);
  });

  test('a broken file is refused', async () => {
    const { code, out } = await rnnIo(written(streamed.slice(0, streamed.length / 2), 'onnx'));
    expect(code).toBe(1);
    expect(out).toMatch(/refuse +@rnn: readOnnx: the bytes are not an ONNX model/);
    expect((await rnnIo('--help')).out).toMatch(/Exit code: 0 when the file passes/);
  });
});
