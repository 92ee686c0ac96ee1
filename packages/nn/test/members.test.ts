import { runInNewContext } from 'node:vm';
import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, ones, setBackend, type Tensor } from '@rnn/core';
import { describe, expect, it } from 'vitest';
import { Linear, Module, Parameter, Recurrent, RNNCell } from '../src/index.js';

setBackend(await cpu());

const linear = (): Linear => new Linear(1, 1, { bias: false });
const parameter = (): Parameter => new Parameter(ones([1]));

/** The value of an expression in which `p` is a parameter, made in another realm. */
const inAnotherRealm = (expression: string): unknown => runInNewContext(expression, { p: parameter() });

/** A module with one property of any kind. */
class Holder extends Module {
  held: unknown;
  constructor(held: unknown) {
    super();
    this.held = held;
  }
  forward(): void {}
}

/** A class that is no module. */
class Settings {
  readonly inner: unknown;
  constructor(inner: unknown) {
    this.inner = inner;
  }
}

/** An object without a prototype. */
const bare = (fields: object): object => Object.assign(Object.create(null) as object, fields);

/** The ways to ask for what a module holds. */
const questions: readonly [name: string, ask: (module: Module) => unknown][] = [
  ['parameters', (module) => module.parameters()],
  ['stateDict', (module) => module.stateDict()],
  ['modules', (module) => module.modules()],
  ['train', (module) => module.train()],
  ['summary', (module) => module.summary()],
];

describe('collections, named as ModuleList and ModuleDict of PyTorch name their members', () => {
  it.each<[string, unknown, string[]]>([
    ['an array', [linear(), parameter()], ['held.1', 'held.0.weight']],
    ['an array of arrays', [[parameter()], [[linear()]]], ['held.0.0', 'held.1.0.0.weight']],
    ['a plain object', { a: linear(), b: parameter() }, ['held.b', 'held.a.weight']],
    ['an object without a prototype', bare({ a: linear(), b: parameter() }), ['held.b', 'held.a.weight']],
    ['a Map with texts', new Map([['a', linear()]]), ['held.a.weight']],
    ['a Map with numbers', new Map([[3, linear()]]), ['held.3.weight']],
    ['a Set, by insertion order', new Set<unknown>([linear(), parameter()]), ['held.1', 'held.0.weight']],
    ['collections in collections', new Map([['a', [new Set([{ b: parameter() }])]]]), ['held.a.0.0.b']],
    ['a Map of another realm', inAnotherRealm('new Map([["a", p]])'), ['held.a']],
    ['an object of another realm', inAnotherRealm('({ a: [p] })'), ['held.a.0']],
    ['a subclass of Array', class extends Array<unknown> {}.from([parameter()]), ['held.0']],
    ['a key that every object has', JSON.parse('{ "__proto__": 0 }'), []],
  ])('%s', (_, held, names) => {
    const module = new Holder(held);
    expect(module.namedParameters().map(([name]) => name)).toEqual(names);
    expect(Object.keys(module.stateDict())).toEqual(names);
    expect(module.modules()).toHaveLength(1 + names.filter((name) => name.endsWith('.weight')).length);
  });
});

describe('what has no name is refused', () => {
  const ring: { inner?: unknown; self?: unknown } = new Settings(parameter());
  ring.self = ring;
  it.each<[string, unknown, RegExp]>([
    [
      'an instance of another class',
      new Settings(linear()),
      /Holder: held\.inner is a Linear that is not found, since Settings is neither/,
    ],
    [
      'deep in one',
      [new Settings({ list: [new Settings(parameter())] })],
      /held\.0\.inner\.list\.0\.inner is a Parameter/,
    ],
    ['in one that holds itself', ring, /held\.inner is a Parameter/],
    [
      'a function with properties',
      Object.assign(() => 0, { net: linear() }),
      /held\.net is a Linear that is not found, since function/,
    ],
    [
      'a symbol as key',
      { [Symbol('a')]: linear() },
      /held\.\[Symbol\(a\)\] is a Linear that is not found, since a key/,
    ],
    ['an object as key', new Map([[{}, linear()]]), /held\.\[Object\] is a Linear that is not found/],
    ['a dotted name', { 'a.b': linear() }, /'held\.a\.b' holds a Linear, but its key is 'a\.b' with a dot/],
    [
      'a dotted name of a collection',
      { 'a.b': [parameter()] },
      /'held\.a\.b' holds a Array, but its key is 'a\.b' with a dot/,
    ],
    ['an empty name', { '': parameter() }, /'held\.' holds a Parameter, but its key is empty/],
    [
      'two keys with one name',
      new Map<unknown, unknown>([
        [1, linear()],
        ['1', linear()],
      ]),
      /two keys that read '1'/,
    ],
  ])('%s', (_, held, message) => {
    for (const [, ask] of questions) {
      expect(() => ask(new Holder(held))).toThrow(message);
      expect(() => ask(new Holder(new Holder(held)))).toThrow(ArgumentError);
    }
  });

  it('a cell that is no Module', () => {
    class PlainCell {
      readonly inner = new RNNCell(1, 1);
      forward(x: Tensor, h: Tensor): Tensor {
        return this.inner.forward(x, h);
      }
    }
    expect(() => new Recurrent(new PlainCell()).parameters()).toThrow(
      /Recurrent: cell\.inner is a RNNCell that is not found, since PlainCell/,
    );
  });
});

describe('what is no part of the module does no harm', () => {
  it('an object of another class that holds only what has a name elsewhere', () => {
    class Both extends Module {
      readonly net = linear();
      readonly view: Settings = new Settings([this.net, this.net.weight, this]);
      forward(): void {}
    }
    expect(Object.keys(new Both().stateDict())).toEqual(['net.weight']);
  });

  it('objects without modules, and dots where there are none', () => {
    const held = { 'a.b': 1, date: new Date(), at: new Settings(new Map([['x', new Float32Array(3)]])), f: () => 0 };
    expect(new Holder(held).parameters()).toEqual([]);
  });

  it('a #private field', () => {
    class Parent extends Module {
      readonly child = new Child(this);
      forward(): void {}
    }
    class Child extends Module {
      readonly net = linear();
      readonly #parent: Module;
      constructor(parent: Module) {
        super();
        this.#parent = parent;
      }
      forward(): Module {
        return this.#parent;
      }
    }
    expect(Object.keys(new Parent().stateDict())).toEqual(['child.net.weight']);
  });
});
