/**
 * From a visitor's text to a cell. The text is read, never run: what is not listed here is refused.
 */
import { parse, type AnyNode, type Expression as JsExpression, type Pattern as JsPattern } from 'acorn';
import { functions, makers } from './functions.ts';
import { CellError, namesOf, type CellSyntax, type Definition, type Expression, type Pattern } from './syntax.ts';

/** A cell is small; what is larger is no cell and could hold up the page. */
export const limits = { characters: 4000, nodes: 400, depth: 40 } as const;

/**
 * Reads a cell.
 *
 * @param text - `const` weights, then `const step = (x, h) => { ...; return next; };`
 * @returns what it means
 * @throws CellError for all else: what is wrong, where, and what to write
 */
export function parseCell(text: string): CellSyntax {
  const all = { from: 0, to: text.length };
  if (text.length > limits.characters)
    throw new CellError(
      `The text has ${text.length} characters; a cell may have ${limits.characters}. Leave something out.`,
      { from: limits.characters, to: text.length },
    );
  return new Reader().cell(program(text), all);
}

function program(text: string): AnyNode[] {
  try {
    return parse(text, { ecmaVersion: 2022, sourceType: 'module' }).body;
  } catch (error) {
    if (!(error instanceof SyntaxError && 'pos' in error)) throw error;
    const from = Number(error.pos);
    const message = error.message.replace(/ \(\d+:\d+\)$/, '');
    const [, twice] = /^Identifier '(\w+)' has already been declared$/.exec(message) ?? [];
    throw new CellError(
      twice === undefined
        ? `This is no JavaScript: ${lower(message)}. Look for a bracket or comma that is missing.`
        : `There is ${twice} already: choose another name.`,
      { from, to: Math.min(from + 1, text.length) },
    );
  }
}

class Reader {
  private nodes = 0;
  private depth = 0;

  cell(body: readonly AnyNode[], all: { from: number; to: number }): CellSyntax {
    const outside: Definition[] = [];
    const known = new Set(['H', 'X']);
    for (const [i, statement] of body.entries()) {
      const { id, init } = this.declaration(statement);
      const isStep = init.type === 'ArrowFunctionExpression' || init.type === 'FunctionExpression';
      if (!isStep) {
        const target = this.pattern(id);
        if (target.kind !== 'name') fail(id, 'Outside of the step each const has one name: const Wh = randn([H, H]);');
        const value = this.expression(init, known, true);
        if (target.name !== 'H') this.define(target, known);
        outside.push({ ...span(statement), target, value });
        continue;
      }
      const after = body[i + 1];
      if (after !== undefined) fail(after, 'The step is the last thing in the text: move this before it.');
      return { outside, ...this.step(init, known) };
    }
    throw new CellError('The step is missing: end with const step = (x, h) => { ... return next; };', {
      from: Math.max(0, all.to - 1),
      to: all.to,
    });
  }

  private step(
    node: Extract<JsExpression, { type: 'ArrowFunctionExpression' | 'FunctionExpression' }>,
    around: ReadonlySet<string>,
  ): Omit<CellSyntax, 'outside'> {
    if (node.async || node.generator) fail(node, 'The step is a plain function: leave out async and *.');
    const [first, second, ...more] = node.params;
    if (first === undefined || second === undefined || more.length > 0)
      fail(node, `The step takes an input and a state, (x, h), but this one takes ${node.params.length}.`);
    if (first.type !== 'Identifier') fail(first, 'The input is one tensor: give it one name, such as x.');
    const known = new Set(around);
    const state = this.pattern(second);
    this.define({ kind: 'name', name: first.name, ...span(first) }, known);
    this.define(state, known);
    if (node.body.type !== 'BlockStatement')
      return { input: first.name, state, body: [], result: this.result(node.body, known, state) };
    const body: Definition[] = [];
    for (const [i, statement] of node.body.body.entries()) {
      if (statement.type === 'ReturnStatement') {
        const after = node.body.body[i + 1];
        if (after !== undefined) fail(after, 'This is never reached, since the step has returned: remove it.');
        if (statement.argument === null || statement.argument === undefined)
          fail(statement, 'The step returns its next state: write return and the state.');
        return { input: first.name, state, body, result: this.result(statement.argument, known, state) };
      }
      const { id, init } = this.declaration(statement);
      const value = this.expression(init, known, false);
      const target = this.pattern(id);
      this.define(target, known);
      body.push({ ...span(statement), target, value });
    }
    fail(node.body, 'The step returns nothing: end it with return and the next state.');
  }

  /** The next state, in the form in which the step takes it. */
  private result(node: AnyNode, known: ReadonlySet<string>, state: Pattern): Expression {
    const value = this.expression(node, known, false, true);
    const isOne = value.kind !== 'list' && value.kind !== 'record';
    const form =
      state.kind === 'name'
        ? 'one tensor'
        : state.kind === 'list'
          ? `a list of ${state.names.length}`
          : `{ ${state.entries.map(([key]) => key).join(', ')} }`;
    const fits =
      state.kind === 'name'
        ? isOne
        : state.kind === 'list'
          ? value.kind === 'list' && value.items.length === state.names.length
          : value.kind === 'record' &&
            value.entries.length === state.entries.length &&
            state.entries.every(([key]) => value.entries.some(([name]) => name === key));
    if (!fits) fail(node, `The step takes its state as ${form}, so it returns the next one as ${form}.`);
    return value;
  }

  private declaration(statement: AnyNode): { id: JsPattern; init: JsExpression } {
    if (statement.type !== 'VariableDeclaration') {
      const what = forbidden[statement.type] ?? 'This kind of statement';
      fail(statement, `${what} cannot stand here. A cell is made of const lines and one step.`);
    }
    if (statement.kind !== 'const')
      fail(statement, `Write const instead of ${statement.kind}: nothing changes inside a step.`);
    const [{ id, init }, second] = statement.declarations;
    if (second !== undefined) fail(second, 'Give each name a const line of its own.');
    if (init === null || init === undefined) fail(statement, 'This const has no value: write = and what it is.');
    return { id, init };
  }

  private define(pattern: Pattern, known: Set<string>): void {
    for (const name of namesOf(pattern)) {
      if (known.has(name)) fail2(pattern, `There is ${name} already: choose another name.`);
      if (functions.has(name) || makers.has(name) || name === 'step')
        fail2(pattern, `${name} is the name of a function: choose another one.`);
      if (!/^[A-Za-z][A-Za-z0-9_]{0,15}$/.test(name))
        fail2(pattern, `Names are up to 16 letters, digits and _, beginning with a letter; ${name} is not.`);
      known.add(name);
    }
  }

  private pattern(node: AnyNode): Pattern {
    this.count(node);
    const at = span(node);
    if (node.type === 'Identifier') return { ...at, kind: 'name', name: node.name };
    if (node.type === 'ArrayPattern') {
      const names = node.elements.map((element) =>
        element?.type === 'Identifier' ? element.name : fail(element ?? node, 'Names alone can stand in a list here.'),
      );
      if (names.length === 0) fail(node, 'This list is empty: name its parts.');
      return { ...at, kind: 'list', names };
    }
    if (node.type === 'ObjectPattern') {
      const entries = node.properties.map((property): [string, string] =>
        property.type === 'Property' &&
        !property.computed &&
        property.key.type === 'Identifier' &&
        property.value.type === 'Identifier'
          ? [property.key.name, property.value.name]
          : fail(property, 'Names alone can stand between these braces, as in { h, c }.'),
      );
      if (entries.length === 0) fail(node, 'These braces are empty: name the parts of the state.');
      return { ...at, kind: 'record', entries };
    }
    fail(node, 'Only a name, a list of names or names in braces can stand here.');
  }

  private expression(node: AnyNode, known: ReadonlySet<string>, isOutside: boolean, isResult = false): Expression {
    this.count(node);
    this.depth++;
    if (this.depth > limits.depth)
      fail(node, `This is nested more than ${limits.depth} deep: name parts of it by const.`);
    const value = this.inner(node, known, isOutside, isResult);
    this.depth--;
    return value;
  }

  private inner(node: AnyNode, known: ReadonlySet<string>, isOutside: boolean, isResult: boolean): Expression {
    const at = span(node);
    switch (node.type) {
      case 'Literal':
        if (typeof node.value !== 'number') fail(node, 'Numbers are the only constants of a cell.');
        return { ...at, kind: 'number', value: node.value };
      case 'Identifier':
        if (!known.has(node.name)) unknownName(node, node.name, known);
        return { ...at, kind: 'name', name: node.name };
      case 'UnaryExpression':
        if (node.operator === '-' && node.argument.type === 'Literal' && typeof node.argument.value === 'number')
          return { ...at, kind: 'number', value: -node.argument.value };
        fail(node, `The sign ${node.operator} is for numbers; for a tensor write .neg().`);
      case 'BinaryExpression': {
        const { operator, left, right } = node;
        if (operator !== '+' && operator !== '-' && operator !== '*' && operator !== '/')
          fail(node, `${operator} has no meaning in a cell.`);
        return {
          ...at,
          kind: 'arithmetic',
          operator,
          left: this.expression(left, known, isOutside),
          right: this.expression(right, known, isOutside),
        };
      }
      case 'ArrayExpression':
        return {
          ...at,
          kind: 'list',
          items: node.elements.map((element) =>
            element === null || element.type === 'SpreadElement'
              ? fail(element ?? node, 'Write the parts of a list one by one.')
              : this.expression(element, known, isOutside),
          ),
        };
      case 'ObjectExpression':
        if (!isResult) fail(node, 'Braces can stand behind return alone, as in return { h, c };');
        return {
          ...at,
          kind: 'record',
          entries: node.properties.map((property): [string, Expression] =>
            property.type === 'Property' && !property.computed && property.key.type === 'Identifier' && !property.method
              ? [property.key.name, this.expression(property.value, known, isOutside)]
              : fail(property, 'Write the parts of a state as names with values, as in { h: next, c }.'),
          ),
        };
      case 'CallExpression':
        return this.call(node, known, isOutside);
      case 'MemberExpression':
        fail(
          node,
          'Nothing can be read from a value; call a method, as in h.add(x), or take a state apart by { h, c }.',
        );
      default:
        fail(node, `${forbidden[node.type] ?? 'This'} cannot stand in a cell; it is made of tensors and calls alone.`);
    }
  }

  private call(
    node: Extract<AnyNode, { type: 'CallExpression' }>,
    known: ReadonlySet<string>,
    isOutside: boolean,
  ): Expression {
    const { callee } = node;
    const given = node.arguments.map((argument) =>
      argument.type === 'SpreadElement' ? fail(argument, 'Write the arguments one by one.') : argument,
    );
    const isMethod = callee.type === 'MemberExpression';
    if (isMethod && (callee.computed || callee.property.type !== 'Identifier'))
      fail(callee, 'Call a method by its name, as in h.add(x).');
    const named = isMethod ? callee.property : callee;
    if (named.type !== 'Identifier') fail(callee, 'Functions are called by name, as in tanh(x).');
    const { name } = named;
    const at = span(node);
    if (!isMethod && makers.has(name)) {
      if (!isOutside) fail(node, `${name} makes weights, and those are made once: move it before the step.`);
      const [shape] = given;
      if (given.length !== 1 || shape.type !== 'ArrayExpression') fail(node, `${name} takes a shape: ${name}([H, X]).`);
      return { ...at, kind: 'call', name, args: [this.expression(shape, known, true)], isMethod };
    }
    const fn = functions.get(name);
    if (fn === undefined) unknownFunction(named, name);
    if (isMethod && !fn.isMethod) fail(named, `${name} is no method: write ${name}(...).`);
    const args = [...(isMethod ? [callee.object] : []), ...given].map((argument) =>
      this.expression(argument, known, isOutside),
    );
    const [least, most] = [fn.required, fn.takes.length];
    if (args.length < least || args.length > most) {
      const takes = least === most ? String(least) : `${least} to ${most}`;
      const counted = isMethod ? ', the one before the dot included' : '';
      fail(node, `${name} takes ${takes} ${most === 1 ? 'value' : 'values'}${counted}, but gets ${args.length}.`);
    }
    return { ...at, kind: 'call', name, args, isMethod };
  }

  private count(node: AnyNode): void {
    this.nodes++;
    if (this.nodes > limits.nodes) fail(node, `A cell may have ${limits.nodes} parts; from here on it is too long.`);
  }
}

const forbidden: Readonly<Record<string, string>> = {
  ForStatement: 'A loop',
  ForOfStatement: 'A loop',
  ForInStatement: 'A loop',
  WhileStatement: 'A loop',
  DoWhileStatement: 'A loop',
  IfStatement: 'An if',
  ConditionalExpression: 'A condition',
  ImportDeclaration: 'An import',
  ImportExpression: 'An import',
  FunctionDeclaration: 'A function of this form',
  ClassDeclaration: 'A class',
  ExpressionStatement: 'An expression without a name',
  AssignmentExpression: 'An assignment',
  TemplateLiteral: 'A text',
  NewExpression: 'The word new',
  ThisExpression: 'The word this',
  AwaitExpression: 'The word await',
  ArrowFunctionExpression: 'A function',
  FunctionExpression: 'A function',
};

function unknownName(node: AnyNode, name: string, known: ReadonlySet<string>): never {
  if (functions.has(name)) fail(node, `${name} is a function: call it, as in ${name}(x).`);
  fail(node, `There is no ${name} here. Known are ${[...known].join(', ')}.`);
}

function unknownFunction(node: AnyNode, name: string): never {
  fail(node, `There is no function ${name}. A cell may call ${[...functions.keys()].join(', ')}.`);
}

function span({ start, end }: AnyNode): { from: number; to: number } {
  return { from: start, to: end };
}

function fail(node: AnyNode, message: string): never {
  throw new CellError(message, span(node));
}

function fail2(at: { from: number; to: number }, message: string): never {
  throw new CellError(message, { from: at.from, to: at.to });
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
