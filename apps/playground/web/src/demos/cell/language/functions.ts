/** The functions that a cell's text may call: those of `@rnn/core`, under their names there. */
import * as core from '@rnn/core';
import type { Shape, Tensor } from '@rnn/core';

/** What an argument may be. */
export type Argument = 'tensor' | 'tensor or number' | 'number' | 'size' | 'tensors';

/** A function of the language. */
export interface CellFunction {
  /** What it takes; those from `required` on may be left out. */
  readonly takes: readonly Argument[];
  readonly required: number;
  /** Whether it may also be written as a method, `a.add(b)`. */
  readonly isMethod: boolean;
  /** Computes it. Arguments were checked. */
  readonly run: (...args: never[]) => Tensor | readonly Tensor[];
  /** The shape of the result, for those whose result may be much larger than what goes in. */
  readonly grows?: (...args: never[]) => Shape;
  /** In a formula, from the formulas of the arguments. */
  readonly tex: (...args: string[]) => string;
  /** In Python, from the arguments in Python. */
  readonly torch: (...args: string[]) => string;
  /** How strongly a sign binds what stands at both sides, where it is written with one. */
  readonly binds?: { readonly tex?: 1 | 2; readonly torch?: 1 | 2 };
}

type Operand = Tensor | number;

function elementwise(
  name: string,
  run: (x: Tensor) => Tensor,
  tex: (x: string) => string,
  torch = `torch.${name}`,
): [string, CellFunction] {
  return [name, { takes: ['tensor'], required: 1, isMethod: true, run, tex, torch: (x) => `${torch}(${x})` }];
}

const named = (name: string) => (x: string) => `\\operatorname{${name}}\\left(${x}\\right)`;

function binary(
  name: string,
  run: (a: Tensor, b: Operand) => Tensor,
  tex: (a: string, b: string) => string,
  torch: (a: string, b: string) => string,
  binds: CellFunction['binds'] = {},
): [string, CellFunction] {
  const takes: readonly Argument[] = ['tensor or number', 'tensor or number'];
  return [name, { takes, required: 2, isMethod: true, run, grows: broadcast, tex, torch, binds }];
}

const infix = (sign: string) => (a: string, b: string) => `${a} ${sign} ${b}`;
const call =
  (name: string) =>
  (...args: string[]) =>
    `torch.${name}(${args.join(', ')})`;

/**
 * The shape of two shapes that are broadcast, where it may be large; what does not fit is for the
 * operation to say.
 */
function broadcast(a: Operand, b: Operand): Shape {
  const [left, right] = [a, b].map((x) => (typeof x === 'number' ? [] : x.shape));
  const rank = Math.max(left.length, right.length);
  return Array.from({ length: rank }, (_, i) =>
    Math.max(left[left.length - rank + i] ?? 1, right[right.length - rank + i] ?? 1),
  );
}

function product(a: Tensor, b: Tensor): Shape {
  return [...a.shape.slice(0, -1), ...(b.rank > 1 ? b.shape.slice(-1) : [])];
}

function reduction(name: 'sum' | 'mean'): [string, CellFunction] {
  return [
    name,
    {
      takes: ['tensor'],
      required: 1,
      isMethod: true,
      run: (x: Tensor) => core[name](x),
      tex: named(name),
      torch: (x) => `torch.${name}(${x})`,
    },
  ];
}

/** All functions, by name. */
export const functions: ReadonlyMap<string, CellFunction> = new Map<string, CellFunction>([
  elementwise('tanh', core.tanh, named('tanh')),
  elementwise('sigmoid', core.sigmoid, (x) => `\\sigma\\left(${x}\\right)`),
  elementwise('relu', core.relu, named('relu')),
  elementwise('softplus', core.softplus, named('softplus'), 'F.softplus'),
  elementwise('silu', core.silu, named('silu'), 'F.silu'),
  elementwise('exp', core.exp, named('exp')),
  elementwise('log', core.log, named('log')),
  elementwise('sqrt', core.sqrt, (x) => `\\sqrt{${x}}`),
  elementwise('square', core.square, (x) => `\\left(${x}\\right)^2`),
  elementwise('abs', core.abs, (x) => `\\left|${x}\\right|`),
  elementwise('sign', core.sign, named('sign')),
  elementwise('neg', core.neg, (x) => `\\left(-${x}\\right)`),
  elementwise('sin', core.sin, named('sin')),
  elementwise('cos', core.cos, named('cos')),
  elementwise('t', core.t, (x) => `{${x}}^{\\top}`),
  binary('add', (a, b) => core.add(a, b), infix('+'), infix('+'), { tex: 1, torch: 1 }),
  binary('sub', (a, b) => core.sub(a, b), infix('-'), infix('-'), { tex: 1, torch: 1 }),
  binary('mul', (a, b) => core.mul(a, b), infix('\\odot'), infix('*'), { tex: 2, torch: 2 }),
  binary(
    'div',
    (a, b) => core.div(a, b),
    (a, b) => `\\frac{${a}}{${b}}`,
    infix('/'),
    { torch: 2 },
  ),
  binary(
    'maximum',
    (a, b) => core.maximum(a, b),
    (a, b) => `\\max\\left(${a}, ${b}\\right)`,
    call('maximum'),
  ),
  binary(
    'minimum',
    (a, b) => core.minimum(a, b),
    (a, b) => `\\min\\left(${a}, ${b}\\right)`,
    call('minimum'),
  ),
  [
    'matmul',
    {
      takes: ['tensor', 'tensor'],
      required: 2,
      isMethod: true,
      run: (a: Tensor, b: Tensor) => core.matmul(a, b),
      grows: product,
      tex: (a, b) => `${a}\\, ${b}`,
      torch: infix('@'),
      binds: { tex: 2, torch: 2 },
    },
  ],
  [
    'linear',
    {
      takes: ['tensor', 'tensor', 'tensor'],
      required: 2,
      isMethod: false,
      run: (x: Tensor, weight: Tensor, bias?: Tensor) => core.linear(x, weight, bias),
      grows: (x: Tensor, weight: Tensor) => [...x.shape.slice(0, -1), weight.shape[0] ?? 1],
      tex: (x, weight, bias) => `${weight}\\, ${x}${bias === undefined ? '' : ` + ${bias}`}`,
      torch: (...args) => `F.linear(${args.join(', ')})`,
    },
  ],
  [
    'chunk',
    {
      takes: ['tensor', 'size', 'number'],
      required: 2,
      isMethod: true,
      run: (x: Tensor, count: number, dim = -1) => core.chunk(x, count, dim),
      tex: (x) => x,
      torch: (x, count, dim = '-1') => `torch.chunk(${x}, ${count}, ${dim})`,
    },
  ],
  [
    'concat',
    {
      takes: ['tensors', 'number'],
      required: 1,
      isMethod: false,
      run: (parts: readonly Tensor[], dim = -1) => core.concat([...parts], dim),
      grows: (parts: readonly Tensor[]) => [parts.reduce((sum, { shape }) => sum + core.sizeOf(shape), 0)],
      tex: (parts) => parts,
      torch: (parts, dim = '-1') => `torch.cat(${parts}, ${dim})`,
    },
  ],
  [
    'softmax',
    {
      takes: ['tensor'],
      required: 1,
      isMethod: true,
      run: (x: Tensor) => core.softmax(x, -1),
      tex: named('softmax'),
      torch: (x) => `torch.softmax(${x}, -1)`,
    },
  ],
  reduction('sum'),
  reduction('mean'),
]);

/** What makes weights, outside of the step. */
export const makers: ReadonlyMap<string, { run: (shape: Shape) => Tensor; torch: string }> = new Map([
  ['randn', { run: (shape: Shape) => core.randn(shape), torch: 'torch.randn' }],
  ['zeros', { run: (shape: Shape) => core.zeros(shape), torch: 'torch.zeros' }],
  ['ones', { run: (shape: Shape) => core.ones(shape), torch: 'torch.ones' }],
]);
