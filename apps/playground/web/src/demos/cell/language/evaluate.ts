/**
 * Runs a cell: makes its weights, and calls its step on tensors, real ones or the symbols of a
 * trace.
 */
import { RnnError, sizeOf, tap, Tensor, zeros, type Shape } from '@rnn/core';
import { whole } from '../../../texts/en/writing.ts';
import { functions, makers, type Argument } from './functions.ts';
import { CellError, type CellSyntax, type Expression, type Pattern, type Span } from './syntax.ts';

/** What a tensor in a cell may hold at most. */
const largestTensor = 4096;
/** The largest number of features of the state. */
const largestState = 64;

/** What a name may stand for. */
type Value = number | Tensor | readonly Value[];

/** The state as `scan` carries it. */
export type CellState = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>;

/** A cell with its weights. */
export interface Cell {
  readonly syntax: CellSyntax;
  /** Features of the input and of the state. */
  readonly sizes: { readonly X: number; readonly H: number };
  /** By name, in the order of the text. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Numbers that the text defines, by name. */
  readonly numbers: ReadonlyMap<string, number>;
}

/**
 * Makes a cell's weights in the order of the text, from the current generator.
 *
 * @param syntax - from `parseCell`
 * @param inputSize - features of the input
 * @returns the cell; its weights are for the caller to dispose of
 * @throws CellError where a value does not fit, with its place
 */
export function makeCell(syntax: CellSyntax, inputSize: number): Cell {
  const values = new Map<string, Value>([
    ['X', inputSize],
    ['H', 2],
  ]);
  const weights = new Map<string, Tensor>();
  for (const { target, value } of syntax.outside) {
    const made = new Evaluation(values).value(value);
    const name = target.kind === 'name' ? target.name : '';
    if (name === 'H' && (typeof made !== 'number' || !Number.isInteger(made) || made < 1 || made > largestState))
      throw new CellError(`H is the size of the state: a whole number from 1 to ${largestState}.`, value);
    values.set(name, made);
    if (made instanceof Tensor) weights.set(name, made);
  }
  const numbers = new Map([...values].filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
  return { syntax, sizes: { X: inputSize, H: numbers.get('H') ?? 2 }, weights, numbers };
}

/** A state of zeros in the form that the step takes. */
export function initialState({ syntax: { state }, sizes }: Cell): CellState {
  if (state.kind === 'name') return zeros([sizes.H]);
  if (state.kind === 'list') return state.names.map(() => zeros([sizes.H]));
  return Object.fromEntries(state.entries.map(([key]) => [key, zeros([sizes.H])]));
}

/** The tensors of a state, in the order of its form. */
export function tensorsOf(state: CellState): readonly Tensor[] {
  return state instanceof Tensor ? [state] : Object.values(state);
}

/** What a call's value is recorded as: its place in the text. */
export function keyOf({ from, to }: Span): string {
  return `${from}-${to}`;
}

/** What a part of a list is recorded as: its name. */
export function partKey(name: string): string {
  return `part ${name}`;
}

/**
 * One step of a cell: an ordinary step for `scan`. Every value that it makes is tapped, see `keyOf`
 * and `partKey`.
 *
 * @param cell - from `makeCell`
 * @param x - `[X]`
 * @param state - in the cell's form, `[H]` each
 * @param seen - called for every tensor that depends on input or state
 * @returns the next state, in the same form
 * @throws CellError where an operation refuses its arguments, or the next state has another shape
 */
export function stepOf(
  { syntax, sizes, weights, numbers }: Cell,
  x: Tensor,
  state: CellState,
  seen: (key: string, value: Tensor) => void = tap,
): CellState {
  const values = new Map<string, Value>([...numbers, ...weights, [syntax.input, x]]);
  const inside = new Set<string>([syntax.input]);
  bind(syntax.state, state, values, inside);
  const evaluation = new Evaluation(values, inside, seen);
  for (const { target, value } of syntax.body) {
    const made = evaluation.value(value);
    const isInside = evaluation.dependsOnStep(value);
    if (target.kind === 'name') values.set(target.name, made);
    else if (target.kind === 'list' && Array.isArray(made)) {
      if (made.length !== target.names.length)
        throw new CellError(`There are ${made.length} parts, but ${target.names.length} names for them.`, target);
      target.names.forEach((name, i) => {
        const part = (made as Value[])[i];
        values.set(name, part);
        if (isInside && part instanceof Tensor) seen(partKey(name), part);
      });
    } else throw new CellError('One tensor cannot be taken apart by names; chunk makes several of one.', target);
    if (isInside) for (const name of target.kind === 'name' ? [target.name] : namesIn(target)) inside.add(name);
  }
  return nextState(syntax, evaluation, sizes.H);
}

function namesIn(pattern: Pattern): readonly string[] {
  return pattern.kind === 'list' ? pattern.names : [];
}

function bind(pattern: Pattern, state: CellState, values: Map<string, Value>, inside: Set<string>): void {
  const tensors = tensorsOf(state);
  const names =
    pattern.kind === 'name'
      ? [pattern.name]
      : pattern.kind === 'list'
        ? pattern.names
        : pattern.entries.map(([, name]) => name);
  names.forEach((name, i) => {
    values.set(name, tensors[i]);
    inside.add(name);
  });
}

function nextState({ state, result }: CellSyntax, evaluation: Evaluation, size: number): CellState {
  const one = (expression: Expression): Tensor => {
    const value = evaluation.value(expression);
    if (!(value instanceof Tensor)) throw new CellError('The next state is made of tensors.', expression);
    if (value.rank !== 1 || value.shape[0] !== size)
      throw new CellError(
        `The next state has the shape ${shown(value.shape)}, but the state has ${shown([size])}. ` +
          'Every step returns what the next one takes.',
        expression,
      );
    return value;
  };
  if (result.kind === 'list') return result.items.map(one);
  if (result.kind === 'record' && state.kind === 'record') {
    const values = new Map(result.entries.map(([key, value]) => [key, one(value)]));
    // In the order of the state, whatever that of the text.
    return Object.fromEntries(state.entries.map(([key]) => [key, values.get(key) as Tensor]));
  }
  return one(result);
}

const words: Readonly<Record<Argument, string>> = {
  tensor: 'a tensor',
  'tensor or number': 'a tensor or a number',
  number: 'a number',
  size: 'a whole number from 1 to 64',
  tensors: 'a list of tensors',
};

class Evaluation {
  private readonly values: ReadonlyMap<string, Value>;
  /** Names whose values depend on input or state. */
  private readonly inside: ReadonlySet<string>;
  private readonly seen: (key: string, value: Tensor) => void;

  constructor(
    values: ReadonlyMap<string, Value>,
    inside: ReadonlySet<string> = new Set(),
    seen: (key: string, value: Tensor) => void = () => {},
  ) {
    this.values = values;
    this.inside = inside;
    this.seen = seen;
  }

  /** Whether a value differs from step to step. */
  dependsOnStep(expression: Expression): boolean {
    switch (expression.kind) {
      case 'name':
        return this.inside.has(expression.name);
      case 'call':
        return expression.args.some((arg) => this.dependsOnStep(arg));
      case 'list':
        return expression.items.some((item) => this.dependsOnStep(item));
      default:
        return false;
    }
  }

  value(expression: Expression): Value {
    switch (expression.kind) {
      case 'number':
        return expression.value;
      case 'name': {
        const value = this.values.get(expression.name);
        if (value === undefined) throw new CellError(`There is no ${expression.name} here.`, expression);
        return value;
      }
      case 'list':
        return expression.items.map((item) => this.value(item));
      case 'arithmetic':
        return this.arithmetic(expression);
      case 'call':
        return this.call(expression);
      case 'record':
        throw new CellError('Braces can stand behind return alone.', expression);
    }
  }

  private arithmetic(expression: Extract<Expression, { kind: 'arithmetic' }>): number {
    const { operator, left, right } = expression;
    const [a, b] = [this.value(left), this.value(right)];
    if (typeof a !== 'number' || typeof b !== 'number')
      throw new CellError(
        `Tensors have no ${operator}: write a.${methods[operator]}(b) instead of a ${operator} b.`,
        expression,
      );
    const value = operator === '+' ? a + b : operator === '-' ? a - b : operator === '*' ? a * b : a / b;
    if (!Number.isFinite(value)) throw new CellError('This is no finite number.', expression);
    return value;
  }

  private call(expression: Extract<Expression, { kind: 'call' }>): Value {
    const { name, args } = expression;
    const values = args.map((arg) => this.value(arg));
    const maker = makers.get(name);
    if (maker !== undefined) return this.within(expression, () => maker.run(checkShape(values[0], args[0])));
    const fn = functions.get(name);
    if (fn === undefined) throw new CellError(`There is no function ${name}.`, expression);
    values.forEach((value, i) => {
      if (!fits(value, fn.takes[i]))
        throw new CellError(`${name} takes ${words[fn.takes[i]]} here, but this is ${described(value)}.`, args[i]);
    });
    if (values.every((value) => typeof value === 'number'))
      throw new CellError(`${name} of numbers alone: write it as a number.`, expression);
    return this.within(expression, () => {
      if (fn.grows !== undefined) checkSize(fn.grows(...(values as never[])), expression);
      const result = fn.run(...(values as never[]));
      if (result instanceof Tensor) {
        checkSize(result.shape, expression);
        if (this.dependsOnStep(expression)) this.seen(keyOf(expression), result);
        return result;
      }
      return result;
    });
  }

  /** What the library refuses is said where it stands in the text. */
  private within<R>(expression: Expression, work: () => R): R {
    try {
      return work();
    } catch (error) {
      if (error instanceof CellError || !(error instanceof RnnError)) throw error;
      throw new CellError(error.message, expression);
    }
  }
}

const methods = { '+': 'add', '-': 'sub', '*': 'mul', '/': 'div' } as const;

function fits(value: Value, argument: Argument): boolean {
  switch (argument) {
    case 'tensor':
      return value instanceof Tensor;
    case 'tensor or number':
      return value instanceof Tensor || typeof value === 'number';
    case 'number':
      return typeof value === 'number';
    case 'size':
      return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 64;
    case 'tensors':
      return Array.isArray(value) && value.length > 0 && value.every((part) => part instanceof Tensor);
  }
}

function described(value: Value): string {
  if (typeof value === 'number') return `the number ${value}`;
  return value instanceof Tensor ? `a tensor ${shown(value.shape)}` : 'a list';
}

function shown(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

function checkShape(value: Value, at: Span): Shape {
  const isShape =
    Array.isArray(value) && value.every((size) => typeof size === 'number' && Number.isInteger(size) && size >= 1);
  if (!isShape || (value as Shape).length === 0 || (value as Shape).length > 2)
    throw new CellError('A shape is one or two whole numbers from 1 up, as in [H, X].', at);
  checkSize(value as Shape, at);
  return value as Shape;
}

function checkSize(shape: Shape, at: Span): void {
  const size = sizeOf(shape);
  if (size > largestTensor)
    throw new CellError(
      `This tensor would hold ${whole(size)} numbers; in a cell it may hold ${whole(largestTensor)}.`,
      at,
    );
}
