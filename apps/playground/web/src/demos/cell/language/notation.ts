/** A cell in other notations: as formulas, and as the same lines in PyTorch. */
import { functions, makers } from './functions.ts';
import { keyOf } from './evaluate.ts';
import { namesOf, type CellSyntax, type Expression } from './syntax.ts';

/** A line of a cell's step as a formula. */
export interface Formula {
  readonly tex: string;
  /** What it defines; undefined for the state that is returned. */
  readonly name: string | undefined;
  /** The part of the state that it returns. */
  readonly state?: string;
}

/** How strongly a text binds: a sum, a product, or what needs no brackets. */
type Binding = 1 | 2 | 3;
type Written = readonly [text: string, binding: Binding];

/** How a notation writes the parts of an expression. */
interface Notation {
  readonly kind: 'tex' | 'torch';
  name(name: string): string;
  list(items: readonly string[]): string;
  brackets(inner: string): string;
  /** Marks the text of a call, so that its value can be found. */
  mark(text: string, expression: Expression): string;
}

/**
 * The step as formulas, a line for each `const`, then the next state. Every call is inside a
 * `\class` that names its value, see `classOf`.
 */
export function formulasOf(cell: CellSyntax): readonly Formula[] {
  const states = namesOf(cell.state);
  const notation: Notation = {
    kind: 'tex',
    name: (name) => {
      const symbol = mathName(name);
      if (name === cell.input) return marked(`${symbol}_t`, name);
      return marked(states.includes(name) ? `${symbol}_{t-1}` : symbol, name);
    },
    list: (items) => items.join(',\\; '),
    brackets: (inner) => `\\left(${inner}\\right)`,
    mark: (text, expression) => `\\class{${classOf(keyOf(expression))}}{${text}}`,
  };
  const lines = cell.body.map(({ target, value }): Formula => {
    const names = namesOf(target);
    return {
      name: names[0],
      tex: `${names.map((name) => notation.name(name)).join(',\\; ')} = ${write(value, notation)[0]}`,
    };
  });
  const results =
    cell.result.kind === 'list'
      ? cell.result.items
      : cell.result.kind === 'record'
        ? cell.result.entries.map(([, value]) => value)
        : [cell.result];
  const last = results.map((value, i): Formula => {
    const name = mathName(states[i] ?? '');
    return { name: undefined, state: states[i], tex: `${name}_t = ${write(value, notation)[0]}` };
  });
  return [...lines, ...last];
}

/** The class of a value's term in a formula; of a named value, `value-NAME`. */
function classOf(key: string): string {
  return `value-${key.replace('part ', '')}`;
}

function marked(tex: string, name: string): string {
  return `\\class{${classOf(name)}}{${tex}}`;
}

/** `Wh` as W with h below it, `h2` as h with 2 below it, words as words. */
function mathName(name: string): string {
  const [, letter, below] = /^([A-Za-z])(\d+|(?<=[A-Z])[a-z]{1,2}|)$/.exec(name) ?? [];
  if (letter === undefined) return `\\textit{${name.replaceAll('_', '\\_')}}`;
  return below === '' || below === undefined ? letter : `{${letter}_{${below}}}`;
}

/**
 * The same cell in PyTorch: weights, step and loop.
 *
 * @param seed - what both draw their numbers from
 * @param steps - of the sequence
 */
export function torchLines(cell: CellSyntax, seed: number, sizes: { X: number; H: number }, steps: number): string {
  const notation: Notation = {
    kind: 'torch',
    name: (name) => (reserved.has(name) ? `${name}_` : name),
    list: (items) => `[${items.join(', ')}]`,
    brackets: (inner) => `(${inner})`,
    mark: (text) => text,
  };
  const python = (expression: Expression): string => write(expression, notation)[0];
  const names = namesOf(cell.state).map((name) => notation.name(name));
  const [isOne, all] = [cell.state.kind === 'name', names.join(', ')];
  const state = isOne ? all : 'state';
  const results =
    cell.result.kind === 'record'
      ? namesOfRecord(cell).map((value) => python(value))
      : cell.result.kind === 'list'
        ? cell.result.items.map((item) => python(item))
        : [python(cell.result)];
  const body = [
    ...(isOne ? [] : [`${all} = state`]),
    ...cell.body.map(
      ({ target, value }) =>
        `${namesOf(target)
          .map((name) => notation.name(name))
          .join(', ')} = ${python(value)}`,
    ),
    `return ${results.join(', ')}`,
  ];
  const outside = cell.outside.map(({ target, value }) => `${namesOf(target)[0]} = ${python(value)}`);
  const isSized = cell.outside.some(({ target }) => namesOf(target)[0] === 'H');
  const lines = [
    'import torch',
    '',
    `torch.manual_seed(${seed})`,
    isSized ? `X = ${sizes.X}` : `X, H = ${sizes.X}, ${sizes.H}`,
    ...outside,
    `xs = torch.randn(${steps}, X)`,
    '',
    `def step(${notation.name(cell.input)}, ${state}):`,
    ...body.map((line) => `    ${line}`),
    '',
    isOne ? `${state} = torch.zeros(H)` : `state = ${names.map(() => 'torch.zeros(H)').join(', ')}`,
    `for x in xs:`,
    `    ${state} = step(x, ${state})`,
    `    print(${isOne ? state : 'state[0]'})`,
  ];
  const text = lines.join('\n');
  return text.includes('F.') ? text.replace('import torch\n', 'import torch\nimport torch.nn.functional as F\n') : text;
}

/** Words of Python that a name of a cell may be. */
const reserved = new Set([
  'lambda',
  'def',
  'del',
  'pass',
  'not',
  'and',
  'or',
  'is',
  'None',
  'True',
  'False',
  'print',
  'torch',
  'F',
  'xs',
  'step',
  'state',
]);

/** The values of a returned object, in the order in which the step takes its state apart. */
function namesOfRecord({ state, result }: CellSyntax): readonly Expression[] {
  if (state.kind !== 'record' || result.kind !== 'record') return [];
  const values = new Map(result.entries);
  return state.entries.flatMap(([key]) => values.get(key) ?? []);
}

function write(expression: Expression, notation: Notation): Written {
  const inner = (part: Expression, least: Binding | 0): string => {
    const [text, binding] = write(part, notation);
    return binding >= least ? text : notation.brackets(text);
  };
  switch (expression.kind) {
    case 'number':
      return [String(expression.value), expression.value < 0 ? 1 : 3];
    case 'name':
      return [notation.name(expression.name), 3];
    case 'list':
      return [notation.list(expression.items.map((item) => inner(item, 0))), 3];
    case 'record':
      return [notation.list(expression.entries.map(([, value]) => inner(value, 0))), 3];
    case 'arithmetic': {
      const binding = expression.operator === '+' || expression.operator === '-' ? 1 : 2;
      const right = inner(expression.right, binding === 1 ? 2 : 3);
      return [`${inner(expression.left, binding)} ${expression.operator} ${right}`, binding];
    }
    case 'call':
      return call(expression, notation, inner);
  }
}

function call(
  expression: Extract<Expression, { kind: 'call' }>,
  notation: Notation,
  inner: (part: Expression, least: Binding | 0) => string,
): Written {
  const { name, args } = expression;
  const maker = makers.get(name);
  if (maker !== undefined) return [`${maker.torch}(${inner(args[0], 0).slice(1, -1)})`, 3];
  const fn = functions.get(name);
  if (fn === undefined) return [name, 3];
  const binds = fn.binds?.[notation.kind];
  const isProduct = name === 'linear' && notation.kind === 'tex';
  const written = args.map((arg, i) => {
    // What stands right of - or / binds stronger than the sign.
    if (binds !== undefined) return inner(arg, i === 0 ? binds : binds === 1 ? (name === 'sub' ? 2 : 1) : 3);
    if (isProduct) return inner(arg, i < 2 ? 2 : 1);
    if (notation.kind === 'tex' && name === 't') return inner(arg, 3);
    const isScalar = arg.kind === 'number' && (name === 'maximum' || name === 'minimum');
    return isScalar && notation.kind === 'torch' ? `torch.tensor(${arg.value})` : inner(arg, 0);
  });
  const text = fn[notation.kind](...written);
  const binding: Binding = binds ?? (isProduct ? (args.length === 3 ? 1 : 2) : 3);
  return [notation.mark(text, expression), binding];
}
