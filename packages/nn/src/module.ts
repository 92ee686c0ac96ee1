import { ArgumentError, type Backend, detach, scope, Tensor } from '@rnn/core';
import { checkFlag, checkFunction, checkOptions, checkTensor, refuse } from '@rnn/core/checks';
import type { CloneKinds } from './clone-module.js';
import { checkAllNamed, membersOf, type MemberKinds, type Members } from './members.js';
import { moduleTool } from './module-tools.js';
import { Parameter } from './parameter.js';
import { loadState, type LoadOptions, type LoadReport, type StateDict, type StateSource } from './state-dict.js';

export interface BufferOptions {
  /** Whether it is part of the state dict. */
  readonly persistent?: boolean;
}

/**
 * The base of everything that holds parameters. A subclass keeps its parameters and modules in
 * ordinary properties (class fields), arrays, plain objects, maps or sets, and writes its own
 * `forward`; the names of the properties are the names in the state dict. A tensor that is state
 * but not learned is to be registered as a buffer.
 *
 * @example
 * ```ts
 * class SimpleRNNCell extends Module {
 *   Wh = new Parameter(randn([2, 2]));
 *   Wx = new Parameter(randn([2, 3]));
 *   b = new Parameter(zeros([2]));
 *   forward(x: Tensor, h: Tensor): Tensor {
 *     return tanh(this.Wh.matmul(h).add(this.Wx.matmul(x)).add(this.b));
 *   }
 * }
 * Object.keys(new SimpleRNNCell().stateDict()); // ['Wh', 'Wx', 'b']
 * ```
 *
 * Differs from PyTorch: a module is not callable, write `module.forward(x)`; collections need no
 * `ModuleList` or `ModuleDict`. A module in an object of another class, or under a key that is no
 * text, has no name: asking for parameters is then an error, where PyTorch passes over it. A
 * `#private` field is no part of the module.
 */
export abstract class Module {
  /** Whether this is being trained, which `Dropout` looks at; set by `train()` and `eval()`. */
  training = true;

  /** What the module computes. A subclass declares arguments and result as it needs them. */
  abstract forward(...inputs: never[]): unknown;

  /**
   * All parameters of this module and those below it.
   *
   * @example
   * ```ts
   * new Linear(3, 2).parameters().map(({ shape }) => shape); // [[2, 3], [2]]
   * ```
   * @returns each once, own ones first, in order of definition
   */
  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /**
   * The same with their names in the state dict; a shared parameter comes under its first name.
   *
   * @example
   * ```ts
   * new Linear(3, 2).namedParameters().map(([name]) => name); // ['weight', 'bias']
   * ```
   */
  namedParameters(): [name: string, parameter: Parameter][] {
    const seen = new Set<Parameter>();
    return treeOf(this).flatMap(({ path, members: { parameters } }) =>
      parameters.flatMap(([name, parameter]): [string, Parameter][] => {
        if (seen.has(parameter)) return [];
        seen.add(parameter);
        return [[joined(path, name), parameter]];
      }),
    );
  }

  /**
   * All tensors that were registered as buffers, here and below.
   *
   * @example
   * ```ts
   * new BatchNorm1d(4).buffers().length; // 3: running mean, running variance, number of batches
   * ```
   */
  buffers(): Tensor[] {
    return this.namedBuffers().map(([, buffer]) => buffer);
  }

  /**
   * The same with their names in the state dict.
   *
   * @example
   * ```ts
   * new BatchNorm1d(4).namedBuffers().map(([name]) => name); // ['running_mean', 'running_var', 'num_batches_tracked']
   * ```
   */
  namedBuffers(): [name: string, buffer: Tensor][] {
    return this.namedModules().flatMap(([path, module]) =>
      ownBuffers(module).map(([name, buffer]): [string, Tensor] => [joined(path, name), buffer]),
    );
  }

  /**
   * The modules that this one holds itself.
   *
   * @example
   * ```ts
   * new Sequential(new Linear(3, 2), new ReLU()).children().length; // 2
   * ```
   */
  children(): Module[] {
    return this.namedChildren().map(([, module]) => module);
  }

  /**
   * The same with the names of their properties, `layers.0` for one in an array.
   *
   * @example
   * ```ts
   * new Sequential(new Linear(3, 2), new ReLU()).namedChildren().map(([name]) => name); // ['0', '1']
   * ```
   */
  namedChildren(): [name: string, module: Module][] {
    return membersOf(this, kinds).modules.map(([name, module]) => [name, module]);
  }

  /**
   * This module and all below it, each once, a parent before its children.
   *
   * @example
   * ```ts
   * new Sequential(new Linear(3, 2), new ReLU()).modules().length; // 3
   * ```
   */
  modules(): Module[] {
    return this.namedModules().map(([, module]) => module);
  }

  /**
   * The same with their paths; that of this module itself is ''.
   *
   * @example
   * ```ts
   * new Sequential(new Linear(3, 2), new ReLU()).namedModules().map(([path]) => path); // ['', '0', '1']
   * ```
   */
  namedModules(): [path: string, module: Module][] {
    return treeOf(this).map(({ path, module }) => [path, module]);
  }

  /**
   * Adds a parameter under a name that is made at run time; `this[name]` is the parameter. A class
   * field does the same.
   *
   * @example
   * ```ts
   * class Scales extends Module {
   *   constructor(count: number) {
   *     super();
   *     for (let i = 0; i < count; i++) {
   *       this.registerParameter(`scale${i}`, new Parameter(ones([4])));
   *     }
   *   }
   *   forward(): void {}
   * }
   * Object.keys(new Scales(2).stateDict()); // ['scale0', 'scale1']
   * ```
   * @param name - the property's name and the key in the state dict
   * @param parameter - any shape
   * @returns the parameter
   */
  registerParameter(name: string, parameter: Parameter): Parameter {
    checkName(this, 'registerParameter', name);
    if (!(parameter instanceof Parameter)) {
      const hint = 'write new Parameter(tensor)';
      refuse(ArgumentError, 'registerParameter', 'parameter', { value: parameter, expected: 'a Parameter', hint });
    }
    (this as Record<string, unknown>)[name] = parameter;
    return parameter;
  }

  /**
   * Adds a tensor that is state but is not learned: it moves with `to`, and is saved. `this[name]`
   * is the tensor.
   *
   * @example
   * ```ts
   * class Centred extends Module {
   *   declare mean: Tensor;
   *   constructor() {
   *     super();
   *     this.registerBuffer('mean', zeros([3]));
   *   }
   *   forward(x: Tensor): Tensor {
   *     return x.sub(this.mean);
   *   }
   * }
   * Object.keys(new Centred().stateDict()); // ['mean']
   * new Centred().parameters().length; // 0
   * ```
   * @param name - the property's name and the key in the state dict
   * @param tensor - any shape; the buffer is a handle of its own on the same values
   * @param options - `persistent: false` keeps it out of the state dict
   * @returns the buffer
   */
  registerBuffer(name: string, tensor: Tensor, options: BufferOptions = {}): Tensor {
    checkName(this, 'registerBuffer', name);
    checkTensor('registerBuffer', 'tensor', tensor);
    checkOptions('registerBuffer', options, ['persistent']);
    const { persistent = true } = options;
    checkFlag('registerBuffer', 'persistent', persistent);
    const buffer = detach(tensor).keep();
    (this as Record<string, unknown>)[name] = buffer;
    const known = buffers.get(this);
    if (known === undefined) buffers.set(this, new Map([[name, persistent]]));
    else known.set(name, persistent);
    return buffer;
  }

  /**
   * Puts this module and all below it into training mode (or out of it).
   *
   * @example
   * ```ts
   * const model = new Dropout(0.5);
   * model.eval();
   * model.train().training; // true
   * ```
   */
  train(mode = true): this {
    checkFlag('train', 'mode', mode);
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  /**
   * Puts this module and all below it into evaluation mode: dropout does nothing.
   *
   * @example
   * ```ts
   * new Dropout(0.5).eval().forward(ones([3])).toArray(); // [1, 1, 1]
   * ```
   */
  eval(): this {
    return this.train(false);
  }

  /**
   * Calls a function with every module, children before their parent: for initialisation.
   *
   * @example
   * ```ts
   * model.apply((module) => { if (module instanceof Linear) init.xavierUniform_(module.weight); });
   * ```
   */
  apply(fn: (module: Module) => void): this {
    checkFunction('apply', 'fn', fn, '(module) => void');
    for (const child of this.children()) child.apply(fn);
    fn(this);
    return this;
  }

  /**
   * Moves parameters, buffers and gradients to another backend. The parameters stay the same
   * objects, so an optimiser goes on with them.
   *
   * @example
   * ```ts
   * const model = new LSTM(3, 5).to(await cpu());
   * ```
   * @param backend - what a backend's factory resolved to
   * @returns this module
   * @throws BackendError when something lies on a backend that answers only later, which `moveTo`
   *   waits for; nothing has moved then
   */
  to(backend: Backend): this {
    moduleTool('to')(this.constructor.name, [...this.parameters(), ...this.buffers()], backend);
    return this;
  }

  /**
   * The same as `to`, but waits for the numbers: the way from every backend to every other, also
   * from one that answers only later, as WebGPU does.
   *
   * @example
   * ```ts
   * await model.moveTo(backend);
   * await optimizer.moveTo(backend);   // what the optimiser keeps, in the middle of a training
   * ```
   * @param backend - what a backend's factory resolved to
   * @returns a promise of this module; nothing may change the module until it resolves
   * @throws ArgumentError when something did; and what `moveTo` of `@rnn/core` throws. Then nothing
   *   has moved.
   *
   * Differs from PyTorch: `to` there always waits.
   */
  async moveTo(backend: Backend): Promise<this> {
    await moduleTool('moveTo')([...this.parameters(), ...this.buffers()], backend);
    return this;
  }

  /**
   * Frees the gradients of all parameters: call it before the next `backward`.
   *
   * @example
   * ```ts
   * const model = new Linear(3, 1);
   * model.forward(ones([4, 3])).sum().backward();
   * model.zeroGrad();
   * model.weight.grad; // undefined
   * ```
   */
  zeroGrad(): void {
    for (const parameter of this.parameters()) {
      parameter.grad?.dispose();
      parameter.grad = undefined;
    }
  }

  /**
   * Frees parameters, their gradients and buffers; the module can no longer be used.
   *
   * @example
   * ```ts
   * const model = new Linear(3, 2);
   * model.dispose(); // its memory is free at once, not when the garbage collector comes by
   * ```
   */
  dispose(): void {
    for (const tensor of [...this.parameters(), ...this.buffers()]) tensor.dispose();
  }

  /**
   * Whether all parameters want a gradient: `requiresGrad_(false)` freezes the module.
   *
   * @example
   * ```ts
   * const model = new Linear(3, 2).requiresGrad_(false);
   * model.weight.requiresGrad; // false
   * ```
   */
  requiresGrad_(on = true): this {
    checkFlag('requiresGrad_', 'on', on);
    for (const parameter of this.parameters()) parameter.requiresGrad = on;
    return this;
  }

  /**
   * Parameters and persistent buffers by name, as they are now.
   *
   * @returns PyTorch's names, such as `rnn.weight_hh_l0_reverse`, each with a tensor cut off from
   *   the graph
   *
   * Differs from PyTorch: the tensors are a snapshot, which later training steps do not change.
   */
  stateDict(): StateDict {
    return Object.fromEntries(Array.from(stateOf(this), ([name, tensor]) => [name, detach(tensor)]));
  }

  /**
   * Puts the values of a state dict into parameters and buffers. Everything is checked first: on an
   * error nothing has changed.
   *
   * @example
   * ```ts
   * model.loadStateDict(other.stateDict());
   * ```
   * @param tensors - by the names of `stateDict()`, tensors or `{ shape, data }`; converted to each
   *   parameter's backend and floating type.
   *   Of the names of a shared parameter one is enough; those that are there must agree
   * @param options - `strict: false` lets names be missing or left over
   * @returns the names that were missing or unexpected (none when strict)
   * @throws StateDictError that names every missing, unexpected and misshapen entry
   */
  loadStateDict(tensors: StateSource, options: LoadOptions = {}): LoadReport {
    checkOptions('loadStateDict', options, ['strict']);
    const { strict = true } = options;
    checkFlag('loadStateDict', 'strict', strict);
    return loadState(this.constructor.name, stateOf(this), tensors, strict);
  }

  /**
   * Takes over the values of another module's parameters and buffers: a second copy for evaluation,
   * a target network, a running mean to start from. Everything is checked first: on an error
   * nothing has changed.
   *
   * @example
   * ```ts
   * const twin = new Linear(3, 2).copyFrom(model);
   * ```
   * @param other - a module whose state dict has the same names and shapes; on any backend that
   *   answers at once
   * @returns this module
   * @throws ArgumentError when `other` is no module; StateDictError that names every entry that
   *   does not fit
   *
   * Differs from PyTorch: there it is `load_state_dict(other.state_dict())`.
   */
  copyFrom(other: Module): this {
    if (!(other instanceof Module)) {
      refuse(ArgumentError, 'copyFrom', 'other', { value: other, expected: 'a Module of the same structure' });
    }
    scope(() => this.loadStateDict(other.stateDict()));
    return this;
  }

  /**
   * A module of its own with the same values: for a second opinion, a target network, a part that
   * is used twice with different weights. What this one shares, as two names of one parameter, the
   * clone shares too; nothing is shared between the two. Values take no memory twice until one of
   * them changes.
   *
   * @example
   * ```ts
   * const target = model.clone().requiresGrad_(false);
   * ```
   * @returns the same class, with parameters, buffers, modules and fields that are copies.
   *   Gradients are left behind; objects of other classes, such as a generator, are the same
   * @throws ArgumentError for a field that is a function of this one module, such as an arrow
   *   function that says `this`
   *
   * Constructors do not run, so a class of your own with `#private` fields needs a `clone()` of its
   * own:
   * `return new Mine(this.size).copyFrom(this)`. Differs from PyTorch: there it is
   * `copy.deepcopy(model)`.
   */
  clone(): this {
    return moduleTool('clone')<Module>(this, cloneKinds) as this;
  }

  /**
   * Number of elements of all parameters, shared ones counted once.
   *
   * @example
   * ```ts
   * new LSTM(3, 5).parameterCount(); // 200
   * ```
   */
  parameterCount(): number {
    return this.parameters().reduce((sum, parameter) => sum + parameter.size, 0);
  }

  /**
   * A table of the layers, the shapes of their parameters and the number of elements.
   *
   * @example
   * ```ts
   * console.log(new Linear(3, 2).summary());
   * // Layer   Parameter  Shape   Count
   * // --------------------------------
   * // Linear  weight     [2, 3]      6
   * //         bias       [2]         2
   * // --------------------------------
   * // Total                          8
   * ```
   */
  summary(): string {
    const seen = new Set<Parameter>();
    return moduleTool('summary')(
      treeOf(this).map(({ path, module, members }) => ({
        path,
        type: module.constructor.name,
        parameters: members.parameters.filter(([, parameter]) => !seen.has(parameter) && seen.add(parameter)),
      })),
    );
  }

  /**
   * What is written between the brackets when this module is printed. A subclass says its options
   * as PyTorch does.
   *
   * @returns text such as `in_features=3, out_features=2, bias=True`; nothing unless a subclass
   *   says so
   */
  protected extraRepr(): string {
    return '';
  }

  /**
   * As PyTorch prints a module: its class, its options, its children. `console.log` shows the same.
   *
   * @example
   * ```ts
   * String(new LSTM(3, 5, { batchFirst: true }));   // LSTM(3, 5, batch_first=True)
   * ```
   */
  toString(): string {
    return Module.#described(this, []);
  }

  /**
   * What `JSON.stringify` writes: the same text, no weights. For those,
   * `JSON.stringify(model.stateDict())`.
   *
   * @example
   * ```ts
   * JSON.stringify({ model: new ReLU() }); // '{"model":"ReLU()"}'
   * ```
   */
  toJSON(): string {
    return this.toString();
  }

  static #described(module: Module, above: readonly Module[]): string {
    if (above.includes(module)) return `${module.constructor.name}(...)`;
    const children = module
      .namedChildren()
      .map(([name, child]): [string, string] => [name, Module.#described(child, [...above, module])]);
    return moduleTool('printed')(module.constructor.name, module.extraRepr(), children);
  }
}

/**
 * The buffers of modules, with whether each is in the state dict. Not fields, so that a module has
 * no fields but its own.
 */
const buffers = new WeakMap<Module, Map<string, boolean>>();

function ownBuffers(module: Module, persistentOnly = false): [string, Tensor][] {
  return Array.from(buffers.get(module) ?? []).flatMap(([name, persistent]): [string, Tensor][] => {
    const value = (module as unknown as Record<string, unknown>)[name];
    return value instanceof Tensor && (persistent || !persistentOnly) ? [[name, value]] : [];
  });
}

/**
 * The tensors of the state dict; unlike in `namedParameters`, a shared one stands under all of its
 * names.
 */
function stateOf(root: Module): Map<string, Tensor> {
  const members = new Map(treeOf(root).map((node) => [node.module, node.members]));
  const state = new Map<string, Tensor>();
  const visit = (module: Module, path: string, above: readonly Module[]): void => {
    if (above.includes(module)) {
      const hint = 'keep such a reference in a private #field';
      refuse(ArgumentError, 'stateDict', path, { received: 'a module that holds itself', expected: 'a tree', hint });
    }
    const { parameters, modules } = members.get(module) as Members<Module, Parameter>;
    for (const [name, tensor] of parameters) state.set(joined(path, name), tensor);
    for (const [name, tensor] of ownBuffers(module, true)) state.set(joined(path, name), tensor);
    for (const [name, child] of modules) visit(child, joined(path, name), [...above, module]);
  };
  visit(root, '', []);
  return state;
}

/** A module of a tree, under the first path to it. */
interface TreeNode {
  readonly path: string;
  readonly module: Module;
  readonly members: Members<Module, Parameter>;
}

const cloneKinds: CloneKinds<Module> = {
  isModule: (value) => value instanceof Module,
  ownClone: (module) => (module.clone === Module.prototype.clone ? undefined : () => module.clone()),
  buffersOf: (module) => buffers.get(module),
  setBuffers: (module, names) => buffers.set(module, new Map(names)),
};

const kinds: MemberKinds<Module, Parameter> = {
  isModule: (value) => value instanceof Module,
  isParameter: (value) => value instanceof Parameter,
};

/**
 * A module and all below it, each once, a parent before its children. Refuses modules and
 * parameters that have no name.
 */
function treeOf(root: Module): TreeNode[] {
  const nodes = new Map<Module, TreeNode>();
  const visit = (module: Module, path: string): void => {
    if (nodes.has(module)) return;
    const members = membersOf(module, kinds);
    nodes.set(module, { path, module, members });
    for (const [name, child] of members.modules) visit(child, joined(path, name));
  };
  visit(root, '');
  const tree = [...nodes.values()];
  const nameless = tree.flatMap(({ path, members }) =>
    members.nameless.map((each) => ({ ...each, path: joined(path, each.path) })),
  );
  if (nameless.length > 0) {
    const known = new Set<object>(
      tree.flatMap(({ module, members }) => [module, ...members.parameters.map(([, p]) => p)]),
    );
    checkAllNamed(root.constructor.name, nameless, known, kinds);
  }
  return tree;
}

function joined(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function checkName(module: Module, method: string, name: string): void {
  const taken = (module as unknown as Record<string, unknown>)[name] !== undefined;
  if (typeof name === 'string' && name !== '' && !name.includes('.') && !taken) return;
  const expected = `one without dots that ${module.constructor.name} does not have yet`;
  refuse(ArgumentError, method, 'name', { value: name, expected });
}
