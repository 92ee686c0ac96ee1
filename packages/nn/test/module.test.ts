import { cpu } from '@rnn/backend-cpu';
import { answersLater } from '@rnn/conformance/answers-later';
import {
  fromData,
  noGrad,
  ones,
  randn,
  scope,
  setBackend,
  StateDictError,
  tensor,
  zeros,
  type Backend,
  type Tensor,
} from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BCEWithLogitsLoss, Dropout, Linear, LSTM, Module, Parameter, ReLU, Sequential } from '../src/index.js';

beforeAll(async () => setBackend(await cpu()));

/** Own parameters after a child, a list, a plain object, a shared and a frozen parameter. */
class Zoo extends Module {
  head = new Linear(2, 1);
  scale = new Parameter(ones([2]));
  layers = [new Linear(2, 2, { bias: false }), new Linear(2, 2)];
  byName = { left: new Parameter(zeros([1])), right: new Linear(2, 1, { bias: false }) };
  again = this.scale;
  frozen = new Parameter(ones([3]), { requiresGrad: false });
  readonly note = 'no parameter';
  readonly numbers = [1, 2, 3];

  forward(x: Tensor): Tensor {
    return this.head.forward(x.mul(this.scale));
  }
}

const names = (pairs: readonly (readonly [string, unknown])[]): string[] => pairs.map(([name]) => name);

describe('what a module finds', () => {
  it('own parameters first, in order of definition, then those of its children; a shared one once', () => {
    expect(names(new Zoo().namedParameters())).toEqual([
      'scale',
      'byName.left',
      'frozen',
      'head.weight',
      'head.bias',
      'layers.0.weight',
      'layers.1.weight',
      'layers.1.bias',
      'byName.right.weight',
    ]);
  });

  it('a shared parameter under both names in the state dict', () => {
    const keys = Object.keys(new Zoo().stateDict());
    expect(keys).toContain('scale');
    expect(keys).toContain('again');
  });

  it('children and modules with their paths', () => {
    const zoo = new Zoo();
    expect(names(zoo.namedChildren())).toEqual(['head', 'layers.0', 'layers.1', 'byName.right']);
    expect(names(zoo.namedModules())).toEqual(['', 'head', 'layers.0', 'layers.1', 'byName.right']);
    expect(zoo.modules()[0]).toBe(zoo);
  });

  it('a Sequential by its indices', () => {
    const model = new Sequential(new Linear(2, 3), new ReLU(), new Linear(3, 1));
    expect(Object.keys(model.stateDict())).toEqual(['0.weight', '0.bias', '2.weight', '2.bias']);
    expect([...model]).toHaveLength(3);
    expect(model.forward(ones([5, 2])).shape).toEqual([5, 1]);
  });

  it('nothing in a private field', () => {
    class Hidden extends Module {
      readonly #inner = new Linear(2, 2);
      forward(x: Tensor): Tensor {
        return this.#inner.forward(x);
      }
    }
    expect(new Hidden().parameters()).toEqual([]);
  });

  it('refuses the state dict of a module that is part of itself', () => {
    class Ring extends Module {
      next: Module | undefined;
      forward(): void {}
    }
    const ring = new Ring();
    ring.next = ring;
    expect(() => ring.stateDict()).toThrow(/next is a module that holds itself/);
    expect(ring.parameters()).toEqual([]);
  });
});

describe('Parameter', () => {
  it('prints as PyTorch prints it', () => {
    expect(String(new Parameter(ones([3])))).toBe('Parameter containing:\ntensor([1., 1., 1.], requires_grad=True)');
  });

  it('outlives the scope that it was made in, and is a leaf', () => {
    const parameter = scope(() => new Parameter(ones([2]).mul(3)));
    expect([...parameter.dataSync()]).toEqual([3, 3]);
    expect(parameter.isLeaf).toBe(true);
    expect(parameter.requiresGrad).toBe(true);
  });

  it('refuses what has no gradient', () => {
    expect(() => new Parameter(tensor([1], { dtype: 'int32' }))).toThrow(/Parameter: source is int32/);
    expect(() => new Parameter([1] as unknown as Tensor)).toThrow(
      /Parameter: source is an array of 1, expected a Tensor/,
    );
  });
});

describe('modes and walks', () => {
  it('train and eval reach every module', () => {
    const model = new Sequential(new Linear(2, 2), new Dropout(0.5));
    model.eval();
    expect(model.modules().map((module) => module.training)).toEqual([false, false, false]);
    model.train();
    expect(model.modules().map((module) => module.training)).toEqual([true, true, true]);
  });

  it('apply calls children before their parent', () => {
    const seen: string[] = [];
    const model = new Sequential(new Linear(2, 2), new ReLU());
    model.apply((module) => void seen.push(module.constructor.name));
    expect(seen).toEqual(['Linear', 'ReLU', 'Sequential']);
  });

  it('zeroGrad frees the gradients', () => {
    const model = new Linear(2, 1);
    model
      .forward(ones([1, 2]))
      .sum()
      .backward();
    const { grad } = model.weight;
    expect(grad?.shape).toEqual([1, 2]);
    model.zeroGrad();
    expect(model.weight.grad).toBeUndefined();
    expect(grad?.isDisposed).toBe(true);
  });

  it('requiresGrad_ freezes', () => {
    const model = new Linear(2, 1).requiresGrad_(false);
    expect(model.forward(ones([1, 2])).requiresGrad).toBe(false);
  });
});

describe('memory', () => {
  it('a module that a scope returns keeps its parameters and buffers; dispose frees them', async () => {
    const backend = await cpu();
    const loss = scope(() => new BCEWithLogitsLoss({ weight: ones([3], { backend }) }));
    const model = scope(() => new Linear(3, 2, { backend }));
    expect(backend.memory().storages).toBe(3);
    scope(() =>
      model
        .forward(ones([1, 3], { backend }))
        .sum()
        .backward(),
    );
    expect(backend.memory().storages).toBe(5);
    model.dispose();
    loss.dispose();
    expect(backend.memory().storages).toBe(0);
    expect(() => model.forward(ones([1, 3], { backend }))).toThrow(/was used after its memory was freed/);
  });
});

describe('buffers', () => {
  class Normalised extends Module {
    declare mean: Tensor;
    declare count: Tensor;
    constructor() {
      super();
      this.registerBuffer('mean', zeros([2]));
      this.registerBuffer('count', zeros([1]), { persistent: false });
    }
    forward(x: Tensor): Tensor {
      return x.sub(this.mean);
    }
  }

  it('are state but no parameters; only persistent ones are saved', () => {
    const module = new Normalised();
    expect(module.parameters()).toEqual([]);
    expect(names(module.namedBuffers())).toEqual(['mean', 'count']);
    expect(Object.keys(module.stateDict())).toEqual(['mean']);
  });

  it('of a loss have the names of PyTorch', () => {
    const loss = new BCEWithLogitsLoss({ posWeight: ones([3]), weight: ones([3]) });
    expect(Object.keys(loss.stateDict())).toEqual(['weight', 'pos_weight']);
  });

  it('refuse a name that is taken or has a dot', () => {
    const module = new Normalised();
    expect(() => module.registerBuffer('mean', zeros([2]))).toThrow(/registerBuffer: name is 'mean'/);
    expect(() => module.registerBuffer('a.b', zeros([2]))).toThrow(/without dots/);
    expect(() => module.registerParameter('forward', new Parameter(zeros([2])))).toThrow(/name is 'forward'/);
  });
});

describe('to', () => {
  it('moves parameters, buffers and gradients, and keeps the objects', async () => {
    const [here, there] = [await cpu(), await cpu()];
    setBackend(here);
    const model = new Linear(2, 1);
    const loss = new BCEWithLogitsLoss({ posWeight: ones([1]) });
    const { weight } = model;
    const before = [...weight.dataSync()];
    model
      .forward(ones([1, 2]))
      .sum()
      .backward();
    model.to(there);
    loss.to(there);
    expect(model.weight).toBe(weight);
    expect(weight.backend).toBe(there);
    expect([...weight.dataSync()]).toEqual(before);
    expect(weight.grad?.backend).toBe(there);
    expect([...(weight.grad?.dataSync() ?? [])]).toEqual([1, 1]);
    expect(loss.pos_weight?.backend).toBe(there);
    model
      .forward(ones([1, 2], { backend: there }))
      .sum()
      .backward();
    expect([...(weight.grad?.dataSync() ?? [])]).toEqual([2, 2]);
    expect(() => model.forward(ones([1, 2], { backend: here }))).toThrow(/on another 'cpu' backend/);
    model.to(here);
    loss.to(here);
    expect(there.memory()).toEqual({ storages: there.memory().storages, bytes: there.memory().bytes });
    expect(weight.backend).toBe(here);
  });
});

describe('moveTo', () => {
  /** A model with a buffer and a gradient. */
  async function trained(backend: Backend): Promise<{ model: Sequential; loss: BCEWithLogitsLoss }> {
    const model = new Sequential(new Linear(2, 3, { backend }), new Linear(3, 1, { backend }));
    const [posWeight, target] = [ones([1], { backend }), ones([4, 1], { backend })];
    const loss = new BCEWithLogitsLoss({ posWeight });
    scope(() => loss.forward(model.forward(ones([4, 2], { backend })), target).backward());
    for (const tensor of [posWeight, target]) tensor.dispose();
    return { model, loss };
  }

  const numbers = (module: Module): Promise<unknown> =>
    Promise.all(
      [...module.parameters(), ...module.buffers()].map(async (x) => [await x.data(), await x.grad?.data(), x.backend]),
    );

  it('does what to does', async () => {
    const there = await cpu();
    const [a, b] = [await trained(await cpu()), await trained(await cpu())];
    b.model.loadStateDict(a.model.stateDict());
    a.model.parameters().forEach(({ grad }, i) => b.model.parameters()[i].grad?.copy_(grad as Tensor));
    a.model.to(there);
    a.loss.to(there);
    expect(await b.model.moveTo(there)).toBe(b.model);
    expect(await b.loss.moveTo(there)).toBe(b.loss);
    expect(await numbers(b.model)).toEqual(await numbers(a.model));
    expect(await numbers(b.loss)).toEqual(await numbers(a.loss));
  });

  it('leaves a backend that answers only later, where to says that it cannot', async () => {
    const [later, there] = [answersLater(await cpu()), await cpu()];
    const { model, loss } = await trained(later);
    const parameters = model.parameters();
    expect(() => model.to(there)).toThrow(
      "to: Sequential is on 'later', which answers only later, expected on a backend that answers at once; write `await model.moveTo(backend)`",
    );
    expect(() => loss.to(there)).toThrow(/to: BCEWithLogitsLoss is on 'later'/);
    expect(there.memory().storages).toBe(0);
    expect(model.to(later)).toBe(model);
    for (const module of [model, loss]) await module.moveTo(there);
    expect(later.memory().storages).toBe(0);
    expect(model.parameters().every((parameter, i) => parameter === parameters[i])).toBe(true);
    expect(parameters.map(({ backend, grad }) => [backend, grad?.backend])).toEqual(
      parameters.map(() => [there, there]),
    );
    expect(loss.pos_weight?.backend).toBe(there);
    // and goes back without waiting
    model.to(later);
    loss.to(later);
    expect(there.memory().storages).toBe(0);
  });
});

describe('state dict', () => {
  const model = (): LSTM => new LSTM(3, 2, { numLayers: 2, bidirectional: true });

  it('has the names of PyTorch in its order', () => {
    expect(Object.keys(new LSTM(3, 4, { bidirectional: true, projSize: 2 }).stateDict())).toEqual([
      'weight_ih_l0',
      'weight_hh_l0',
      'bias_ih_l0',
      'bias_hh_l0',
      'weight_hr_l0',
      'weight_ih_l0_reverse',
      'weight_hh_l0_reverse',
      'bias_ih_l0_reverse',
      'bias_hh_l0_reverse',
      'weight_hr_l0_reverse',
    ]);
  });

  it('goes from one module to another', () => {
    const [a, b] = [model(), model()];
    const x = randn([4, 2, 3]);
    expect(b.loadStateDict(a.stateDict())).toEqual({ missing: [], unexpected: [] });
    expect(b.forward(x)[0].dataSync()).toEqual(a.forward(x)[0].dataSync());
  });

  it('is a snapshot, and loading copies', () => {
    const [a, b] = [new Linear(2, 1), new Linear(2, 1)];
    const saved = a.stateDict();
    const before = [...saved.weight.dataSync()];
    b.loadStateDict(saved);
    noGrad(() => a.weight.copy_(ones([1, 2])));
    expect([...saved.weight.dataSync()]).toEqual(before);
    expect([...b.weight.dataSync()]).toEqual(before);
    expect(saved.weight.requiresGrad).toBe(false);
  });

  it('converts the type', () => {
    const a = new Linear(2, 1);
    a.loadStateDict({ weight: tensor([[1, 2]], { dtype: 'float64' }), bias: tensor([3], { dtype: 'float64' }) });
    expect(a.weight.dtype).toBe('float32');
    expect([...a.weight.dataSync()]).toEqual([1, 2]);
  });

  it('names everything that does not fit at once, and loads nothing', () => {
    const a = new LSTM(3, 2);
    const before = [...a.weight_ih_l0.dataSync()];
    const { bias_ih_l0: _, ...rest } = new LSTM(3, 2).stateDict();
    const wrong = {
      ...rest,
      weight_hh_l0: ones([8, 3]),
      bias_hh_l0: tensor([1, 2, 3, 4, 5, 6, 7, 8], { dtype: 'int32' }),
      extra: ones([1]),
    };
    let error: unknown;
    try {
      a.loadStateDict(wrong);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(StateDictError);
    expect(error).toMatchObject({ code: 'ERR_STATE_DICT', missing: ['bias_ih_l0'], unexpected: ['extra'] });
    expect((error as Error).message).toBe(
      'loadStateDict: tensors is no state dict of LSTM (missing: bias_ih_l0; unexpected: extra; ' +
        'unfitting: weight_hh_l0 has shape [8, 3], expected [8, 2]; bias_hh_l0 is int32, expected float32), ' +
        'expected every name and shape to fit; nothing was loaded',
    );
    expect([...a.weight_ih_l0.dataSync()]).toEqual(before);
  });

  it('strict: false reports missing and unexpected names, but never a wrong shape', () => {
    const a = new Linear(2, 1);
    expect(a.loadStateDict({ weight: ones([1, 2]), other: ones([1]) }, { strict: false })).toEqual({
      missing: ['bias'],
      unexpected: ['other'],
    });
    expect([...a.weight.dataSync()]).toEqual([1, 1]);
    expect(() => a.loadStateDict({ weight: ones([2, 2]) }, { strict: false })).toThrow(
      /unfitting: weight has shape \[2, 2\], expected \[1, 2\]/,
    );
  });

  it('refuses disposed tensors and what is no tensor, and does not trip over names of Object', () => {
    const a = new Linear(2, 1);
    const gone = ones([1]);
    gone.dispose();
    expect(() => a.loadStateDict({ weight: ones([1, 2]), bias: gone })).toThrow(/bias was disposed of/);
    expect(() => a.loadStateDict({ weight: [[1, 2]], bias: ones([1]) } as never)).toThrow(
      /weight is an array of 1, expected a Tensor/,
    );
    expect(() => a.loadStateDict(null as never)).toThrow(/tensors is null/);
    class Odd extends Module {
      constructor() {
        super();
        this.registerParameter('valueOf_', new Parameter(zeros([1])));
      }
      forward(): void {}
    }
    expect(() => new Odd().loadStateDict({})).toThrow(/missing: valueOf_/);
  });
});

describe('summary', () => {
  it('is a table with a total', () => {
    class Model extends Module {
      rnn = new LSTM(1, 32);
      head = new Linear(32, 1);
      drop = new Dropout(0.1);
      forward(x: Tensor): Tensor {
        return this.head.forward(this.rnn.forward(x)[0]);
      }
    }
    expect(new Model().summary()).toBe(
      [
        'Layer          Parameter     Shape      Count',
        '---------------------------------------------',
        'Model',
        'rnn: LSTM      weight_ih_l0  [128, 1]     128',
        '               weight_hh_l0  [128, 32]  4,096',
        '               bias_ih_l0    [128]        128',
        '               bias_hh_l0    [128]        128',
        'head: Linear   weight        [1, 32]       32',
        '               bias          [1]            1',
        'drop: Dropout',
        '---------------------------------------------',
        'Total                                   4,513',
      ].join('\n'),
    );
    expect(new Model().parameterCount()).toBe(4513);
  });

  it('says how many can be trained when some are frozen', () => {
    const zoo = new Zoo();
    expect(zoo.summary().split('\n').at(-1)).toMatch(/^Total +\d+ \(\d+ trainable\)$/);
    expect(zoo.parameterCount()).toBe(zoo.parameters().reduce((sum, { size }) => sum + size, 0));
  });
});

it('a user class keeps the types of its own forward', () => {
  class Two extends Module {
    forward(x: Tensor, times: number): [Tensor, string] {
      return [x.mul(times), 'done'];
    }
  }
  const [value, text] = new Two().forward(fromData([1, 2], [2]), 3);
  expect([...value.dataSync()]).toEqual([3, 6]);
  expect(text).toBe('done');
  // @ts-expect-error -- times is missing
  expect(() => new Two().forward(fromData([1, 2], [2]))).toThrow(Error);
});
