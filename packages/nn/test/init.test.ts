import { cpu } from '@rnn/backend-cpu';
import { fromData, Generator, manualSeed, setBackend, tensor, zeros, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Embedding, GRU, GRUCell, init, LayerNorm, Linear, LSTM, LSTMCell, Parameter } from '../src/index.js';
import { expectClose } from './close.js';
import { checkRefused } from './refused.js';

beforeAll(async () => setBackend(await cpu()));

const empty = (...shape: number[]): Tensor => zeros(shape);

/** Mean and standard deviation. */
function moments(x: Tensor): { mean: number; std: number } {
  const values = [...x.dataSync()];
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return { mean, std: Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length) };
}

describe('defaults: what PyTorch draws after torch.manual_seed(0)', () => {
  it('Linear(2, 3)', () => {
    manualSeed(0);
    const { weight, bias } = new Linear(2, 3);
    expectClose(
      weight,
      [
        -0.005293981172144413, 0.37932288646698, -0.5819807648658752, -0.5203874707221985, -0.27234524488449097,
        0.1896158903837204,
      ],
      1e-7,
    );
    expectClose(bias, [-0.014010033570230007, 0.5606575012207031, -0.06275151669979095], 1e-7);
  });

  it('the first and last weights of LSTM, GRU, a projected LSTM and GRUCell', () => {
    manualSeed(0);
    const lstm = new LSTM(3, 2);
    expectClose(lstm.weight_ih_l0.flatten().slice(0, 0, 3), [-0.005294, 0.3793229, -0.5819808], 1e-7);
    expectClose(lstm.bias_hh_l0.slice(0, -2), [0.4741054177284241, -0.41634613275527954], 1e-7);
    manualSeed(0);
    const gru = new GRU(3, 2, { numLayers: 2, bidirectional: true });
    expectClose(
      gru.weight_hh_l1_reverse.flatten().slice(0, -3),
      [0.009144432842731476, -0.32122084498405457, 0.266366571187973],
      1e-7,
    );
    expectClose(gru.bias_hh_l1_reverse.slice(0, -2), [0.5654402375221252, -0.5714095830917358], 1e-7);
    manualSeed(0);
    const projected = new LSTM(3, 4, { projSize: 2, bidirectional: true });
    expectClose(
      projected.weight_hr_l0_reverse.flatten().slice(0, -3),
      [-0.3534480333328247, -0.21191257238388062, 0.14706134796142578],
      1e-7,
    );
    manualSeed(0);
    expectClose(
      new GRUCell(3, 2).bias_hh,
      [
        -0.41276684403419495, 0.6078276038169861, 0.31552404165267944, 0.34271523356437683, 0.0371878482401371,
        -0.3625219762325287,
      ],
      1e-7,
    );
  });

  it('Embedding(5, 3, padding 1), whose padding row is zero', () => {
    manualSeed(0);
    expectClose(
      new Embedding(5, 3, { paddingIdx: 1 }).weight,
      [
        1.5409960746765137, -0.293428897857666, -2.1787893772125244, 0, 0, 0, 0.40334683656692505, 0.8380263447761536,
        -0.7192575931549072, -0.40334352850914, -0.5966353416442871, 0.18203648924827576, -0.8566746115684509,
        1.1006041765213013, -1.0711873769760132,
      ],
      1e-6,
    );
  });

  it('LayerNorm starts with ones and zeros, and comes back to them', () => {
    const norm = new LayerNorm([2, 2]);
    init.normal_(norm.weight as Parameter);
    norm.resetParameters();
    expect([...(norm.weight as Parameter).dataSync()]).toEqual([1, 1, 1, 1]);
    expect([...(norm.bias as Parameter).dataSync()]).toEqual([0, 0, 0, 0]);
  });
});

describe('forgetGateBias', () => {
  it('is what both biases of the forget gate add up to, and changes no other draw', () => {
    manualSeed(3);
    const plain = new LSTM(3, 2, { numLayers: 2, bidirectional: true });
    manualSeed(3);
    const lstm = new LSTM(3, 2, { numLayers: 2, bidirectional: true, forgetGateBias: 1 });
    for (const suffix of ['l0', 'l0_reverse', 'l1', 'l1_reverse'] as const) {
      expect([...lstm[`bias_ih_${suffix}`].slice(0, 2, 4).dataSync()]).toEqual([1, 1]);
      expect([...lstm[`bias_hh_${suffix}`].slice(0, 2, 4).dataSync()]).toEqual([0, 0]);
      for (const [from, to] of [
        [0, 2],
        [4, 8],
      ] as const) {
        expectClose(lstm[`bias_ih_${suffix}`].slice(0, from, to), plain[`bias_ih_${suffix}`].slice(0, from, to), 0);
      }
      expectClose(lstm[`weight_hh_${suffix}`], plain[`weight_hh_${suffix}`], 0);
    }
    const cell = new LSTMCell(3, 2, { forgetGateBias: 2 });
    expect([...(cell.bias_ih as Parameter).slice(0, 2, 4).dataSync()]).toEqual([2, 2]);
  });

  it('needs biases and a finite number', () => {
    expect(() => new LSTM(3, 2, { bias: false, forgetGateBias: 1 })).toThrow(
      /LSTM: forgetGateBias is given beside bias: false/,
    );
    expect(() => new LSTMCell(3, 2, { forgetGateBias: NaN })).toThrow(/LSTMCell: forgetGateBias is NaN/);
  });
});

describe('PyTorch draws the same after torch.manual_seed(0)', () => {
  const cases: [string, (t: Tensor) => Tensor, number[], number[]][] = [
    [
      'xavier_uniform_(gain 2)',
      (t) => init.xavierUniform_(t, { gain: 2 }),
      [3, 4],
      [
        -0.013862897641956806, 0.9933005571365356, -1.5239834785461426, -1.362694263458252, -0.7131673097610474,
        0.4965309500694275, -0.03668688237667084, 1.4681460857391357, -0.16432204842567444, 0.4899672567844391,
        -0.5595898628234863, -0.3639683723449707,
      ],
    ],
    [
      'xavier_normal_',
      (t) => init.xavierNormal_(t),
      [2, 3],
      [
        0.9746115207672119, -0.18558073043823242, -1.3779873847961426, 0.3595075011253357, -0.6859121322631836,
        -0.8845493793487549,
      ],
    ],
    [
      'kaiming_uniform_(a 0.3)',
      (t) => init.kaimingUniform_(t, { a: 0.3 }),
      [2, 3],
      [
        -0.01014142856001854, 0.7266508340835571, -1.114872932434082, -0.9968815445899963, -0.5217188596725464,
        0.3632381558418274,
      ],
    ],
    [
      'kaiming_normal_(fan_out, relu)',
      (t) => init.kaimingNormal_(t, { mode: 'fanOut', nonlinearity: 'relu' }),
      [3, 4],
      [
        1.2582180500030518, -0.23958370089530945, -1.7789740562438965, 0.4641222059726715, -0.8855087757110596,
        -1.1419483423233032, 0.32933130860328674, 0.6842456459999084, -0.5872713327407837, -0.32932859659194946,
        -0.48715072870254517, 0.14863216876983643,
      ],
    ],
    [
      'orthogonal_, tall',
      (t) => init.orthogonal_(t),
      [4, 3],
      [
        0.8862802982330322, -0.029169868677854538, 0.2586618959903717, 0.32692456245422363, -0.6629021763801575,
        -0.44125574827194214, 0.23197877407073975, 0.6034563183784485, -0.7625250816345215, -0.23197685182094574,
        -0.44221067428588867, -0.3961603343486786,
      ],
    ],
    [
      'orthogonal_, wide (gain 2)',
      (t) => init.orthogonal_(t, { gain: 2 }),
      [2, 4],
      [
        1.12306547164917, -0.21384857594966888, -1.5878840684890747, 0.4142680764198303, -0.7811965346336365,
        -1.5362002849578857, -0.08173554390668869, 1.01150381565094,
      ],
    ],
  ];

  it.each(cases)('%s', (_, fill, shape, expected) => {
    manualSeed(0);
    const t = empty(...shape);
    expect(fill(t)).toBe(t);
    expectClose(t, expected, 1e-6);
  });
});

describe('distributions', () => {
  const size = [200, 100];

  it('uniform_ and normal_ have the mean and the deviation that were asked for', () => {
    const generator = new Generator(1);
    const uniform = moments(init.uniform_(empty(...size), -1, 3, { generator }));
    expect(uniform.mean).toBeCloseTo(1, 1);
    expect(uniform.std).toBeCloseTo(4 / Math.sqrt(12), 1);
    const normal = moments(init.normal_(empty(...size), 2, 0.5, { generator }));
    expect(normal.mean).toBeCloseTo(2, 1);
    expect(normal.std).toBeCloseTo(0.5, 1);
  });

  it('a stacked weight is scaled by the fans of a single gate', () => {
    const one = moments(init.xavierNormal_(empty(100, 100), { generator: new Generator(2) })).std;
    const four = moments(init.xavierNormal_(empty(400, 100), { gates: 4, generator: new Generator(2) })).std;
    const whole = moments(init.xavierNormal_(empty(400, 100), { generator: new Generator(2) })).std;
    expect(four / one).toBeCloseTo(1, 1);
    expect(whole / one).toBeCloseTo(Math.sqrt(200 / 500), 1);
  });

  it('constants', () => {
    expect([...init.constant_(empty(2), 3).dataSync()]).toEqual([3, 3]);
    expect([...init.ones_(empty(2)).dataSync()]).toEqual([1, 1]);
    expect([...init.zeros_(tensor([1, 2])).dataSync()]).toEqual([0, 0]);
  });

  it('float64 draws have 53 bits', () => {
    const t = init.uniform_(zeros([8], { dtype: 'float64' }));
    expect([...t.dataSync()].some((value) => Math.fround(value) !== value)).toBe(true);
  });
});

describe('orthogonal_', () => {
  it('makes each of the stacked matrices orthogonal, to float64 rounding', () => {
    const t = init.orthogonal_(zeros([4 * 24, 24], { dtype: 'float64' }), { gates: 4, generator: new Generator(5) });
    const eye = Array.from({ length: 24 * 24 }, (_, i) => (i % 25 === 0 ? 1 : 0));
    for (const block of t.split(24)) {
      expectClose(block.matmul(block, { transposeA: true }), eye, 1e-14);
      expectClose(block.matmul(block, { transposeB: true }), eye, 1e-14);
    }
  });

  it('sees further dimensions as columns', () => {
    const t = init.orthogonal_(zeros([3, 2, 4], { dtype: 'float64' })).reshape([3, 8]);
    expectClose(t.matmul(t, { transposeB: true }), [1, 0, 0, 0, 1, 0, 0, 0, 1], 1e-14);
  });
});

describe('calculateGain', () => {
  it('has the table of PyTorch', () => {
    expect(init.calculateGain('linear')).toBe(1);
    expect(init.calculateGain('sigmoid')).toBe(1);
    expect(init.calculateGain('tanh')).toBe(5 / 3);
    expect(init.calculateGain('relu')).toBe(Math.sqrt(2));
    expect(init.calculateGain('leakyRelu', 0.2)).toBeCloseTo(1.3867504905630728, 14);
    expect(init.calculateGain('selu')).toBe(0.75);
  });
});

describe('mistakes', () => {
  checkRefused([
    [() => init.uniform_(tensor([1], { dtype: 'int32' })), /uniform_: tensor is int32/],
    [() => init.xavierUniform_(empty(3)), /xavierUniform_: tensor has shape \[3\], expected \[out, in\]/],
    [
      () => init.kaimingNormal_(empty(3, 2), { mode: 'fan_in' as never }),
      /mode is 'fan_in', expected 'fanIn' or 'fanOut'/,
    ],
    [() => init.kaimingNormal_(empty(3, 2), { nonlinearity: 'gelu' as never }), /nonlinearity is 'gelu'/],
    [() => init.orthogonal_(empty(6, 2), { gates: 4 }), /gates is 4, expected a whole number that divides/],
    [() => init.orthogonal_(empty(6)), /orthogonal_: tensor has shape \[6\], expected at least two dimensions/],
    [() => init.xavierNormal_(empty(3, 2), { gain: NaN }), /gain is NaN/],
    [() => init.xavierNormal_(empty(3, 2), { gian: 2 } as never), /option 'gian' is unknown/],
    [() => init.uniform_(new Parameter(fromData([1], [1])).mul(2)), /only a leaf/],
  ]);
});
