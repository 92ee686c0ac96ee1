/** Reads a run of a cell: what a value is at a step, and what one element of it was made of. */
import { keyOf, partKey } from './language/evaluate.ts';
import { namesOf, type CellSyntax, type Expression } from './language/syntax.ts';
import type { CellRun, Numbers } from './trace.ts';

/**
 * Names a tensor of a run: a weight, the input, a state, a named value, or a call inside of one.
 */
export interface Reference {
  /** As it stands in the cell's text. */
  readonly label: string;
  /** Where the text has no name for it, the call; of a name, what it stands for. */
  readonly key: string;
  readonly kind: 'weight' | 'input' | 'state' | 'value' | 'number';
}

/** One element of a tensor at a step. */
export interface Element {
  readonly of: Reference;
  readonly index: readonly number[];
  readonly value: number;
}

/** How an element came about. */
export type Origin =
  /** A sum of products, as of a row of weights and a vector; `bias` where one is added. */
  | {
      readonly kind: 'products';
      readonly terms: readonly { readonly weight: Element; readonly input: Element; readonly product: number }[];
      readonly bias?: Element;
    }
  /** A function of elements at the same place, or of all elements where it mixes them. */
  | { readonly kind: 'function'; readonly name: string; readonly from: readonly Element[] }
  /** Drawn from the seed, or given. */
  | { readonly kind: 'given' };

/** A run together with what its text means. */
export class Inspector {
  private readonly syntax: CellSyntax;
  private readonly run: CellRun;
  private readonly definitions = new Map<string, Expression>();
  private readonly calls = new Map<string, Expression>();
  /** Of each part of a list: what the list is made of, and which part it is. */
  private readonly parts = new Map<string, { whole: Expression; index: number }>();

  constructor(syntax: CellSyntax, run: CellRun) {
    this.syntax = syntax;
    this.run = run;
    for (const { target, value } of syntax.body) {
      if (target.kind === 'name') this.definitions.set(target.name, value);
      else namesOf(target).forEach((name, index) => this.parts.set(name, { whole: value, index }));
      this.collect(value);
    }
    this.collect(syntax.result);
  }

  /**
   * The values that the step names, in the order of the text, then the results that have no name.
   */
  named(): readonly Reference[] {
    const names = this.syntax.body.flatMap(({ target }) => namesOf(target)).map((name) => this.reference(name));
    const { result } = this.syntax;
    const results =
      result.kind === 'list'
        ? result.items
        : result.kind === 'record'
          ? result.entries.map(([, value]) => value)
          : [result];
    const states = namesOf(this.syntax.state);
    return [
      ...names.filter(({ key }) => this.run.values.has(key)),
      ...results.flatMap((value, i): Reference[] =>
        value.kind === 'call' ? [{ label: `next ${states[i] ?? ''}`, key: keyOf(value), kind: 'value' }] : [],
      ),
    ];
  }

  /** The input. */
  input(): Reference {
    return this.reference(this.syntax.input);
  }

  /** What a term of a formula stands for: a name, or the place of a call. */
  lit(term: string): Reference | undefined {
    const call = this.calls.get(term);
    if (call !== undefined) return this.run.values.has(term) ? this.referenceOf(call) : undefined;
    const reference = this.reference(term);
    return reference.kind === 'number' ? undefined : reference;
  }

  /** What a name of the text stands for. */
  reference(name: string): Reference {
    const { run, syntax } = this;
    if (run.weights.has(name)) return { label: name, key: name, kind: 'weight' };
    if (name === syntax.input) return { label: name, key: name, kind: 'input' };
    if (run.states.has(name)) return { label: name, key: name, kind: 'state' };
    if (this.parts.has(name)) return { label: name, key: partKey(name), kind: 'value' };
    const definition = this.definitions.get(name);
    if (definition?.kind === 'name') return { ...this.reference(definition.name), label: name };
    if (definition?.kind === 'call') return { label: name, key: keyOf(definition), kind: 'value' };
    return { label: name, key: name, kind: 'number' };
  }

  /** A tensor as it is at a step: its shape without time, and its values. */
  at({ kind, key }: Reference, t: number): Numbers {
    const { run } = this;
    if (kind === 'weight') return run.weights.get(key) ?? none;
    if (kind === 'input') return row(run.inputs, t);
    if (kind === 'state') return row(run.states.get(key) ?? none, t);
    return row(run.values.get(key) ?? none, t);
  }

  /** One element at a step. */
  element(of: Reference, index: readonly number[], t: number): Element {
    const { shape, values } = this.at(of, t);
    const at = index.reduce((flat, i, d) => flat * shape[d] + i, 0);
    return { of, index, value: values[at] };
  }

  /** What an element at a step was made of. */
  origin({ of, index }: Element, t: number): Origin {
    if (of.kind !== 'value') return { kind: 'given' };
    const part = of.key.startsWith('part ') ? this.parts.get(of.key.slice(5)) : undefined;
    if (part !== undefined) {
      const size = this.at(of, t).shape.at(-1) ?? 1;
      const from = [...index.slice(0, -1), part.index * size + (index.at(-1) ?? 0)];
      const whole = part.whole.kind === 'call' ? part.whole.args[0] : part.whole;
      return { kind: 'function', name: 'chunk', from: this.elementsAt(whole, from, t) };
    }
    const call = this.calls.get(of.key);
    if (call?.kind !== 'call') return { kind: 'given' };
    if (call.name === 'matmul') return this.products(call.args[0], call.args[1], undefined, index, t);
    if (call.name === 'linear') return this.products(call.args[1], call.args[0], call.args[2], index, t);
    const mixes = call.name === 'softmax' || call.name === 'sum' || call.name === 'mean' || call.name === 'concat';
    const parts = call.args.flatMap((arg) => (arg.kind === 'list' ? arg.items : [arg]));
    const from = parts.flatMap((arg) => (mixes ? this.allElements(arg, t) : this.elementsAt(arg, index, t)));
    return { kind: 'function', name: call.name, from };
  }

  private products(
    left: Expression,
    right: Expression,
    bias: Expression | undefined,
    index: readonly number[],
    t: number,
  ): Origin {
    const [a, b] = [this.referenceOf(left), this.referenceOf(right)];
    const [aShape, bShape] = [this.at(a, t).shape, this.at(b, t).shape];
    const size = aShape.at(-1) ?? 0;
    // A row of the left matrix times the vector, or a vector times a column of the right one.
    const terms = Array.from({ length: size }, (_, j) => {
      const weight = this.element(a, aShape.length === 1 ? [j] : [index[0], j], t);
      const column = index.slice(aShape.length - 1);
      const input = this.element(b, bShape.length === 1 ? [j] : [j, ...column], t);
      return { weight, input, product: Math.fround(weight.value * input.value) };
    });
    const [added] = bias === undefined ? [] : this.elementsAt(bias, index, t);
    return { kind: 'products', terms, ...(added && { bias: added }) };
  }

  private elementsAt(expression: Expression, index: readonly number[], t: number): readonly Element[] {
    if (expression.kind === 'number')
      return [{ of: { label: String(expression.value), key: '', kind: 'number' }, index: [], value: expression.value }];
    const of = this.referenceOf(expression);
    const { shape } = this.at(of, t);
    if (shape.length > index.length) return this.allElements(expression, t);
    // Broadcast: a dimension of one is the same everywhere.
    const inner = index.slice(index.length - shape.length).map((i, d) => (shape[d] === 1 ? 0 : i));
    return [this.element(of, inner, t)];
  }

  private allElements(expression: Expression, t: number): readonly Element[] {
    const of = this.referenceOf(expression);
    const { shape, values } = this.at(of, t);
    return Array.from(values, (value, i) => ({
      of,
      index: shape.length === 2 ? [Math.floor(i / shape[1]), i % shape[1]] : shape.length === 1 ? [i] : [],
      value,
    }));
  }

  private referenceOf(expression: Expression): Reference {
    if (expression.kind === 'name') return this.reference(expression.name);
    const label = this.run.text.slice(expression.from, expression.to).replaceAll(/\s+/g, ' ');
    const key = keyOf(expression);
    // A named call is called by its name.
    for (const [name, definition] of this.definitions)
      if (definition.kind === 'call' && keyOf(definition) === key) return { label: name, key, kind: 'value' };
    return { label, key, kind: 'value' };
  }

  private collect(expression: Expression): void {
    if (expression.kind === 'call') {
      this.calls.set(keyOf(expression), expression);
      for (const arg of expression.args) this.collect(arg);
    } else if (expression.kind === 'list') for (const item of expression.items) this.collect(item);
    else if (expression.kind === 'record') for (const [, value] of expression.entries) this.collect(value);
  }
}

const none: Numbers = { shape: [], values: new Float32Array() };

function row({ shape: [, ...shape], values }: Numbers, t: number): Numbers {
  const size = shape.reduce((product, n) => product * n, 1);
  return { shape, values: values.slice(t * size, (t + 1) * size) };
}
