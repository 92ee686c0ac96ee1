import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { root } from './documents.ts';

/** Something that a package exports, as its published types describe it. */
export interface Export {
  /** `@rnn/core: add`. */
  readonly name: string;
  /** The entry that it is told of, such as `@rnn/core`. */
  readonly entry: string;
  /** The program of its `@example`; `undefined` where it has none. */
  readonly example: string | undefined;
  /** Of a class: its public methods. */
  readonly methods: readonly Method[];
}

/** A public method of a class. */
interface Method {
  /** `@rnn/nn: Module.eval`. */
  readonly name: string;
  readonly entry: string;
  readonly example: string | undefined;
  readonly isDescribed: boolean;
  /** Whether an example shows it: its own, its class's, or that of where it comes from. */
  readonly isShown: boolean;
}

/** An example as a module that checks what its comments say. */
export interface Check {
  readonly place: string;
  readonly code: string;
}

interface Manifest {
  readonly name: string;
  readonly exports?: Readonly<Record<string, { readonly types?: string } | string>>;
}

/** The types of each entry that is published, by the name that importers use. */
function entries(): [name: string, types: string][] {
  return globSync('packages/*/package.json', { cwd: root })
    .toSorted()
    .flatMap((path) => {
      const { name, exports = {} } = JSON.parse(readFileSync(join(root, path), 'utf8')) as Manifest;
      return Object.entries(exports).flatMap(([entry, target]): [string, string][] => {
        const types = typeof target === 'object' ? target.types : undefined;
        if (types === undefined || types.includes('*')) return [];
        return [[`${name}${entry.slice(1)}`, join(root, dirname(path), types)]];
      });
    });
}

const program = ts.createProgram(
  entries().map(([, types]) => types),
  { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, skipLibCheck: true, types: ['node'] },
);
const checker = program.getTypeChecker();
const { Function: fn, Class, Variable, Alias, Method: fnOfClass } = ts.SymbolFlags;

/** Functions, classes and constants of all packages, each once; types speak for themselves. */
export function exports(): Export[] {
  const seen = new Set<ts.Symbol>();
  return entries().flatMap(([entry, types]) =>
    symbolsOf(types).flatMap((symbol): Export[] => {
      if (seen.has(symbol) || (symbol.flags & (fn | Class | Variable)) === 0) return [];
      seen.add(symbol);
      const name = `${entry}: ${symbol.name}`;
      return [{ name, entry, example: exampleOf(symbol), methods: methodsOf(symbol, entry) }];
    }),
  );
}

/** The program of a symbol's `@example`. */
function exampleOf(symbol: ts.Symbol): string | undefined {
  const tag = symbol.getJsDocTags(checker).find(({ name }) => name === 'example');
  return /```ts(?: fragment)?\n(.*?)```/s.exec(ts.displayPartsToString(tag?.text))?.[1];
}

function symbolsOf(types: string): ts.Symbol[] {
  const source = program.getSourceFile(types);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${relative(root, types)} is no module: build the packages first`);
  return checker
    .getExportsOfModule(module)
    .map((symbol) => ((symbol.flags & Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol)));
}

function methodsOf(symbol: ts.Symbol, entry: string): Method[] {
  if ((symbol.flags & Class) === 0) return [];
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  return type.getProperties().flatMap((method): Method[] => {
    const { flags, name, declarations: [declaration] = [] } = method;
    if ((flags & fnOfClass) === 0 || name.startsWith('__') || declaration === undefined) return [];
    if ((ts.getCombinedModifierFlags(declaration) & hidden) !== 0) return [];
    const overridden = (type.getBaseTypes() ?? []).flatMap((base) => checker.getPropertyOfType(base, name) ?? []);
    const isInherited = declaration.parent !== symbol.declarations?.[0];
    const example = isInherited ? undefined : exampleOf(method);
    const isCalled = exampleOf(symbol)?.includes(`${name}(`) === true;
    return [
      {
        name: `${entry}: ${symbol.name}.${name}`,
        entry,
        example,
        isDescribed: method.getDocumentationComment(checker).length > 0,
        isShown: isInherited || example !== undefined || isCalled || overridden.length > 0,
      },
    ];
  });
}

/** Where a name can be imported from: the packages first, their other entries behind. */
const homes = new Map<string, string[]>();
for (const [entry, types] of entries().toSorted(([a], [b]) => a.length - b.length))
  for (const { name, flags } of symbolsOf(types))
    if ((flags & (fn | Class | Variable)) !== 0) homes.set(name, [...(homes.get(name) ?? []), entry]);

/** What not every machine has, what reads files, and what belongs into a test runner. */
const elsewhere = new Set(['@rnn/backend-native', '@rnn/backend-gpu', '@rnn/io/node', '@rnn/conformance/vitest']);

/**
 * An example as a module, where it stands by itself: all its names are exports, its own, or the
 * platform's. An expression with a comment behind it has the value that the comment shows, where
 * that is a number, a text, a flag or a list of them; a line such as `// ShapeError: ...` below it
 * is what it throws.
 *
 * @returns nothing for an example that speaks of things which it does not make
 */
export function checkOf({ name, entry, example }: Pick<Export, 'name' | 'entry' | 'example'>): Check | undefined {
  if (example === undefined) return undefined;
  const file = ts.createSourceFile('example.ts', example, ts.ScriptTarget.ES2022, true);
  const imported = namesToImport(file, entry);
  if (imported === undefined || [...imported.values()].some((home) => elsewhere.has(home))) return undefined;
  if (file.statements.some(ts.isImportDeclaration)) return undefined; // it speaks of a file beside it
  const lines = file.statements.map((statement) => {
    const text = statement.getText();
    if (!ts.isExpressionStatement(statement)) return text;
    const comment = commentBehind(example, statement.end);
    const expression = JSON.stringify(statement.expression.getText());
    return `await check(${expression}, async () => (${statement.expression.getText()}), ${JSON.stringify(comment)});`;
  });
  const imports = [...imported].map(([each, home]) => `import { ${each} } from '${home}';`);
  return { place: name, code: [...imports, ...lines].join('\n') };
}

/** The comments behind an expression: in its line, and the lines below that name an error. */
function commentBehind(text: string, end: number): string {
  const [first = '', ...below] = text.slice(end).split('\n');
  const own = /\/\/ ?(.*)$/.exec(first)?.[1] ?? '';
  const next = /^\/\/ (\w*Error: .*)$/.exec(below[0] ?? '')?.[1];
  return (next ?? own).trim();
}

/**
 * Names that an example does not make, with their packages, its own first; nothing where one has
 * none.
 */
function namesToImport(file: ts.SourceFile, entry: string): Map<string, string> | undefined {
  const own = new Set<string>();
  const used = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const { parent } = node;
      const isDeclared =
        (ts.isVariableDeclaration(parent) ||
          ts.isBindingElement(parent) ||
          ts.isParameter(parent) ||
          ts.isFunctionDeclaration(parent) ||
          ts.isClassDeclaration(parent) ||
          ts.isImportSpecifier(parent)) &&
        parent.name === node;
      const isMember =
        (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
        ((ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent) || ts.isPropertyDeclaration(parent)) &&
          parent.name === node) ||
        (ts.isBindingElement(parent) && parent.propertyName === node);
      if (isDeclared) own.add(node.text);
      else if (!isMember) used.add(node.text);
    }
    // Types are erased; those of the packages are imported nowhere.
    if (!ts.isTypeNode(node) || ts.isExpressionWithTypeArguments(node)) node.forEachChild(visit);
  };
  visit(file);
  const found = new Map<string, string>();
  for (const name of used) {
    if (own.has(name)) continue;
    const places = homes.get(name);
    if (places !== undefined) found.set(name, places.includes(entry) ? entry : places[0]);
    else if (!(name in globalThis)) return undefined;
  }
  return found;
}
