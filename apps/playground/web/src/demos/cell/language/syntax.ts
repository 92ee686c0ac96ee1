/** What a text of the cell language means, after it was checked. */

/** Where something stands in the text, in characters from its beginning. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A value in the making. Methods are functions whose first argument stands in front of the dot. */
export type Expression = Span &
  (
    | { readonly kind: 'number'; readonly value: number }
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[]; readonly isMethod: boolean }
    | { readonly kind: 'list'; readonly items: readonly Expression[] }
    | {
        readonly kind: 'arithmetic';
        readonly operator: '+' | '-' | '*' | '/';
        readonly left: Expression;
        readonly right: Expression;
      }
    | { readonly kind: 'record'; readonly entries: readonly (readonly [key: string, value: Expression])[] }
  );

/**
 * What stands left of `=` or between the brackets of the step: a name, a list of names, or names by
 * key.
 */
export type Pattern = Span &
  (
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'list'; readonly names: readonly string[] }
    | { readonly kind: 'record'; readonly entries: readonly (readonly [key: string, name: string])[] }
  );

/** `const target = value;` */
export interface Definition extends Span {
  readonly target: Pattern;
  readonly value: Expression;
}

/** A cell: the weights it is made with, and its step. */
export interface CellSyntax {
  /** Numbers and weights, made once. */
  readonly outside: readonly Definition[];
  /** The name of the input in the step. */
  readonly input: string;
  /** The form of the state, as the step takes it apart. */
  readonly state: Pattern;
  readonly body: readonly Definition[];
  /** The next state. */
  readonly result: Expression;
}

/** The names that a pattern gives. */
export function namesOf(pattern: Pattern): readonly string[] {
  if (pattern.kind === 'name') return [pattern.name];
  return pattern.kind === 'list' ? pattern.names : pattern.entries.map(([, name]) => name);
}

/** What is wrong with a cell's text, in the words of its author, and where. */
export class CellError extends Error {
  override readonly name: string = 'CellError';
  readonly span: Span;

  constructor(message: string, span: Span) {
    super(message);
    this.span = span;
  }
}

/** Line and column, both from 1, of a place in a text. */
export function placeOf(text: string, at: number): { line: number; column: number } {
  const lines = text.slice(0, at).split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
