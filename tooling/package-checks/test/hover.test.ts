import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { root } from '../src/packages.ts';

// What an editor shows: the documentation that TypeScript finds in the published types.
const entry = join(root, 'tooling/package-checks/build/hover.ts');
const host = ts.createCompilerHost({});
const source = `export { Tensor } from '@rnn/core'; export * from '@rnn/nn';`;
const getSourceFile: ts.CompilerHost['getSourceFile'] = (path, options) =>
  path === entry ? ts.createSourceFile(path, source, options) : original(path, options);
const original = host.getSourceFile.bind(host);
const options: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  skipLibCheck: true,
};
const program = ts.createProgram([entry], options, {
  ...host,
  getSourceFile,
  fileExists: (path) => path === entry || host.fileExists(path),
});
const checker = program.getTypeChecker();
const file = program.getSourceFile(entry) as ts.SourceFile;
const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(file) as ts.Symbol);
const classes = exported
  .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
  .filter(({ flags }) => flags & ts.SymbolFlags.Class);

const undocumented = (symbols: readonly ts.Symbol[]): string[] =>
  symbols.filter((symbol) => symbol.getDocumentationComment(checker).length === 0).map(({ name }) => name);

describe('an editor has something to say', () => {
  test('about every member of a tensor', () => {
    const tensor = classes.find(({ name }) => name === 'Tensor') as ts.Symbol;
    const members = checker.getDeclaredTypeOfSymbol(tensor).getProperties();
    expect(members.length).toBeGreaterThan(80);
    expect(undocumented(members.filter(({ name }) => !/^(__|#)/.test(name)))).toEqual([]);
  });

  test('about every class of nn and its forward', () => {
    expect(classes.length).toBeGreaterThan(50);
    expect(undocumented(classes)).toEqual([]);
    const forwards = classes.flatMap((symbol) => {
      const forward = checker.getDeclaredTypeOfSymbol(symbol).getProperty('forward');
      return forward && forward.getDocumentationComment(checker).length === 0 ? [symbol.name] : [];
    });
    expect(forwards).toEqual([]);
  });
});
