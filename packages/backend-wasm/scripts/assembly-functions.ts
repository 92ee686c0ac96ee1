/**
 * Writes the elementwise functions of src/emit/vector-functions.ts as AssemblyScript, for the
 * kernels of single operations: what is computed alone and what is computed in a program has one
 * source, and so the same bits.
 */
import type { BinaryOp, UnaryOp } from '@rnn/core';
import type { SimdOpcode } from '../src/emit/opcodes.js';
import { binaryExpression, unaryExpression } from '../src/emit/vector-functions.js';
import { Vectors } from '../src/emit/vectors.js';
import { floatOps } from '../src/kernels.js';

/** Expressions as text; what is kept becomes a constant of the function. */
class TextVectors extends Vectors<string> {
  readonly constants: string[] = [];

  splat(value: number): string {
    return `splat(${Object.is(value, -0) ? '-0.0' : value})`;
  }

  splatInt(value: number): string {
    return `i32x4.splat(${value})`;
  }

  keep(value: string): string {
    const name = `v${this.constants.length}`;
    this.constants.push(`  const ${name} = ${value};`);
    return name;
  }

  protected instruction(name: SimdOpcode, ...operands: readonly string[]): string {
    return `${name}(${operands.join(', ')})`;
  }

  protected shift(name: SimdOpcode, value: string, bits: number): string {
    return `${name}(${value}, ${bits})`;
  }

  madd(a: string, b: string, c: string): string {
    return `madd(${a}, ${b}, ${c})`;
  }

  nmadd(a: string, b: string, c: string): string {
    return `nmadd(${a}, ${b}, ${c})`;
  }
}

const unaryOps: Readonly<Record<UnaryOp, true>> = {
  neg: true,
  exp: true,
  log: true,
  sqrt: true,
  square: true,
  reciprocal: true,
  abs: true,
  sign: true,
  tanh: true,
  sigmoid: true,
  relu: true,
  softplus: true,
  round: true,
};

function inlined(name: string, parameters: string, write: (v: TextVectors) => string): string {
  const v = new TextVectors();
  const result = write(v);
  const body = [...v.constants, `  return ${result};`].join('\n');
  return `// @ts-ignore: decorator\n@inline\nexport function ${name}(${parameters}): v128 {\n${body}\n}`;
}

const unary = Object.keys(unaryOps) as UnaryOp[];
const MADE =
  '// Made by scripts/assembly-functions.ts of src/emit/vector-functions.ts, where formulas and reasons stand.';

/**
 * The text of assembly/functions.generated.ts: functions of four numbers, and those of two operands
 * over whole vectors.
 */
export function functionsText(): string {
  const binary = floatOps.filter((op): op is Exclude<BinaryOp, 'pow'> => op !== 'pow'); // which has no vector form
  return [
    MADE,
    "import { madd, nmadd, splat } from './vector';",
    '/** Functions of two operands by number: of float32, then the same of int32. */',
    `export const enum Op {\n  ${[...floatOps, ...floatOps.map((op) => `${op}Int`)].join(', ')},\n}`,
    ...unary.map((op) => inlined(`${op}4`, 'x: v128', (v) => unaryExpression(op, v, 'x'))),
    ...binary.map((op) => inlined(`${op}4`, 'a: v128, b: v128', (v) => binaryExpression(op, v, 'a', 'b', undefined))),
    `/** Whole vectors: \`n\` is rounded up to a multiple of 4. False for what has no vector form. */
export function runFloat(op: Op, out: usize, a: usize, stepA: usize, b: usize, stepB: usize, n: i32): bool {
  switch (op) {
${binary
  .map(
    (op) => `    case Op.${op}:
      for (; n > 0; n -= 4) {
        v128.store(out, ${op}4(v128.load(a), v128.load(b)));
        out += 16;
        a += stepA;
        b += stepB;
      }
      return true;`,
  )
  .join('\n')}
    default:
      return false;
  }
}`,
    '',
  ].join('\n\n');
}

/** The text of assembly/kernels.generated.ts: functions of one operand over dense elements. */
export function kernelsText(): string {
  return [
    MADE,
    `import { ${unary.map((op) => `${op}4`).join(', ')} } from './functions.generated';`,
    // Whole vectors: operand and result are whole blocks of the allocator, which end at a multiple
    // of 16 bytes.
    ...unary.map(
      (op) => `export function ${op}_float32(out: usize, x: usize, n: i32): void {
  for (; n > 0; n -= 4) {
    v128.store(out, ${op}4(v128.load(x)));
    out += 16;
    x += 16;
  }
}`,
    ),
    '',
  ].join('\n\n');
}
