import { globSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { publishedPackages, type Package } from './packages.ts';

/** What an entry of a package exports, as text for review. */
export interface ApiReport {
  /** As it is imported: `@rnn/core/lean`. */
  readonly entry: string;
  /** The file that holds the text. */
  readonly file: string;
  readonly text: string;
}

interface Entry {
  readonly name: string;
  readonly owner: Package;
  /** Its built types. */
  readonly types: string;
  readonly file: string;
}

/** The entries that have types, the main one of each package first. */
function entries(): Entry[] {
  return publishedPackages().flatMap((owner) => {
    const { exports = {}, name } = owner.manifest;
    return Object.entries(exports).flatMap(([path, target]) => {
      const types = (target as { readonly types?: string }).types;
      if (types === undefined) return [];
      const short = path === '.' ? 'index' : path.slice(2).replaceAll('/', '-');
      const entry = path === '.' ? name : `${name}${path.slice(1)}`;
      const concrete = types.includes('*') ? globSync(types, { cwd: owner.folder }).toSorted() : [types];
      return concrete.map((each) => ({
        name: entry,
        owner,
        types: join(owner.folder, each),
        file: join(owner.folder, 'api', `${short}.api.md`),
      }));
    });
  });
}

const printer = ts.createPrinter({ removeComments: true });

/** The declarations of one entry, in the order of their names. */
class Surface {
  readonly #checker: ts.TypeChecker;
  readonly #folder: string;
  /** What is exported, by the names that importers use. */
  readonly exported: ReadonlyMap<string, ts.Symbol>;
  /** Types that an exported name speaks of, without a name of their own for whoever imports. */
  readonly #reached = new Set<ts.Symbol>();

  constructor(checker: ts.TypeChecker, { owner }: Entry, module: ts.Symbol) {
    this.#checker = checker;
    this.#folder = owner.folder;
    const symbols = checker.getExportsOfModule(module).toSorted(byName);
    const all = symbols.map((symbol): [string, ts.Symbol] => [symbol.name, this.resolve(symbol)]);
    // Of several names of one thing its own comes first.
    const isOwn = ([name, symbol]: [string, ts.Symbol]): boolean => name === symbol.name;
    this.exported = new Map([...all.filter(isOwn), ...all.filter((each) => !isOwn(each))]);
  }

  resolve(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol;
  }

  /** The text of a symbol's declarations, and notes what they reach. */
  text(symbol: ts.Symbol, name: string): string {
    const declarations = symbol.getDeclarations() ?? [];
    const [first] = declarations;
    if (first === undefined) return `${name}: nothing`;
    const { fileName } = first.getSourceFile();
    if (relative(this.#folder, fileName).startsWith('..')) {
      const [, from = fileName] = /packages\/([^/]+)\/dist/.exec(fileName) ?? [];
      return `export { ${name} } from '@rnn/${from}';`;
    }
    if (ts.isSourceFile(first) || ts.isModuleDeclaration(first)) {
      const inner = this.#checker.getExportsOfModule(symbol).toSorted(byName);
      const texts = inner.map((each) => this.text(this.resolve(each), each.name));
      return `namespace ${name} {\n${texts.join('\n').replaceAll(/^/gm, '    ')}\n}`;
    }
    const texts = declarations.map((declaration) => this.#print(declaration));
    return [...(symbol.name === name ? [] : [`// Exported as ${name}.`]), ...new Set(texts)].join('\n');
  }

  /**
   * The declarations of types that are reached without being exported, in the order of their names.
   */
  hidden(): string[] {
    const done = new Map<ts.Symbol, string>();
    for (let next = this.#next(done); next !== undefined; next = this.#next(done))
      done.set(next, this.text(next, next.name));
    return [...done].toSorted(([a], [b]) => byName(a, b)).map(([, text]) => text);
  }

  #next(done: ReadonlyMap<ts.Symbol, string>): ts.Symbol | undefined {
    const exported = new Set(this.exported.values());
    return [...this.#reached].find((symbol) => !done.has(symbol) && !exported.has(symbol));
  }

  #print(declaration: ts.Declaration): string {
    this.#note(declaration);
    const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
    const whole = ts.isClassDeclaration(node) ? withoutPrivates(node) : node;
    const text = printer.printNode(ts.EmitHint.Unspecified, whole, declaration.getSourceFile());
    return text.replace(/^(export )?(declare )?/, '');
  }

  #note(node: ts.Node): void {
    if (ts.isIdentifier(node)) {
      const found = this.#checker.getSymbolAtLocation(node);
      const symbol = found && this.resolve(found);
      const declaration = symbol?.declarations?.[0];
      // Type parameters, members and parameters are part of what holds them.
      const isTop =
        declaration?.parent && (ts.isSourceFile(declaration.parent) || ts.isVariableDeclaration(declaration));
      if (symbol && isTop && !relative(this.#folder, declaration.getSourceFile().fileName).startsWith('..'))
        this.#reached.add(symbol);
    }
    node.forEachChild((child) => this.#note(child));
  }
}

const byName = (a: ts.Symbol, b: ts.Symbol): number => (a.name < b.name ? -1 : Number(a.name > b.name));

/** A class as others may use it. */
function withoutPrivates(node: ts.ClassDeclaration): ts.ClassDeclaration {
  const isPrivate = (member: ts.ClassElement): boolean =>
    (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) !== 0 ||
    (member.name !== undefined && ts.isPrivateIdentifier(member.name));
  const members = node.members.filter((member) => !isPrivate(member));
  const { modifiers, name, typeParameters, heritageClauses } = node;
  return ts.factory.updateClassDeclaration(node, modifiers, name, typeParameters, heritageClauses, members);
}

/** The reports of all entries, from the built types. */
export function apiReports(): ApiReport[] {
  const all = entries();
  const program = ts.createProgram(
    all.map(({ types }) => types),
    { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, skipLibCheck: true, types: [] },
  );
  const checker = program.getTypeChecker();
  // Of each package what was told already: a symbol, and the entry and name by which it was.
  const seen = new Map<Package, Map<ts.Symbol, Told>>();
  const lists = new Map<string, string>();
  return all.map((entry) => {
    const source = program.getSourceFile(entry.types);
    const module = source && checker.getSymbolAtLocation(source);
    if (!module) throw new Error(`${entry.types} is no module: build the packages first`);
    const surface = new Surface(checker, entry, module);
    const told = seen.get(entry.owner) ?? new Map<ts.Symbol, Told>();
    seen.set(entry.owner, told);
    const blocks: string[] = [];
    const same = new Map<string, string[]>();
    for (const [name, symbol] of surface.exported) {
      const before = told.get(symbol);
      if (before === undefined) {
        blocks.push(surface.text(symbol, name));
        told.set(symbol, { entry: entry.name, name });
      } else if (before.entry === entry.name) blocks.push(`export { ${before.name} as ${name} };`);
      else same.set(before.entry, [...(same.get(before.entry) ?? []), name]);
    }
    const names = [...surface.exported.keys()].join();
    const twin = [...lists].find(([, others]) => others === names)?.[0];
    const whole = blocks.length === 0 ? twin : undefined;
    lists.set(entry.name, names);
    return { entry: entry.name, file: entry.file, text: reportText(entry.name, blocks, same, surface.hidden(), whole) };
  });
}

interface Told {
  readonly entry: string;
  readonly name: string;
}

/** The report of an entry as a document. */
function reportText(
  entry: string,
  blocks: readonly string[],
  same: ReadonlyMap<string, readonly string[]>,
  hidden: readonly string[],
  whole: string | undefined,
): string {
  const code = (texts: readonly string[]): string => `\`\`\`ts\n${texts.join('\n\n')}\n\`\`\`\n`;
  return [
    `# What \`${entry}\` exports\n`,
    'Written by `npm run api`: a change here is a change for users.\n',
    ...(blocks.length > 0 ? [code(blocks)] : []),
    ...(whole === undefined
      ? [...same].map(([from, names]) => `As in \`${from}\`:\n\n${names.map((name) => `- \`${name}\`\n`).join('')}`)
      : [`All that \`${whole}\` exports.\n`]),
    ...(hidden.length > 0 ? ['## What these speak of\n', code(hidden)] : []),
  ].join('\n');
}
