import ts from 'typescript';
import { expect, test } from 'vitest';
import { publishedPackages } from '../src/packages.ts';

// What the lean entries of these packages need: see docs/decisions/12-lean-entries.md.
const lean = ['@rnn/nn', '@rnn/train', '@rnn/backend-cpu', '@rnn/backend-wasm'];

/** Names that `TensorMethods` has: those that a tensor of `@rnn/core/lean` lacks. */
function methodNames(program: ts.Program): Set<string> {
  const file = program.getSourceFiles().find(({ fileName }) => fileName.endsWith('core/src/tensor-methods.ts'));
  const names = new Set<string>();
  file?.forEachChild((node) => {
    if (!ts.isInterfaceDeclaration(node) || node.name.text !== 'TensorMethods') return;
    for (const { name } of node.members) if (name !== undefined) names.add(name.getText(file));
  });
  return names;
}

test.each(publishedPackages().filter(({ name }) => lean.includes(name)))(
  'the sources of $name call operations as functions, not as methods of tensors',
  ({ folder }) => {
    const config = ts.getParsedCommandLineOfConfigFile(`${folder}/tsconfig.json`, undefined, {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => expect(diagnostic).toBeUndefined(),
    });
    const sources = config?.fileNames.filter((name) => name.includes('/src/')) ?? [];
    const program = ts.createProgram(sources, config?.options ?? {});
    const methods = methodNames(program);
    expect(methods.has('add')).toBe(true);
    const checker = program.getTypeChecker();
    const calls: string[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isPropertyAccessExpression(node) && methods.has(node.name.text)) {
        const declared = checker.getSymbolAtLocation(node.name)?.declarations?.[0];
        if (declared?.getSourceFile().fileName.endsWith('core/src/tensor-methods.ts') === true) {
          const { line } = node.getSourceFile().getLineAndCharacterOfPosition(node.getStart());
          calls.push(`${node.getSourceFile().fileName.slice(folder.length + 1)}:${line + 1} ${node.name.text}`);
        }
      }
      node.forEachChild(visit);
    };
    for (const source of sources) {
      const file = program.getSourceFile(source);
      if (file !== undefined) visit(file);
    }
    expect(calls).toEqual([]);
  },
);
