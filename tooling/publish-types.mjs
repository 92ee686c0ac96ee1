// Runs in a package's folder after tsup. The repository compiles without `exactOptionalPropertyTypes`, so an optional property or method of its
// sources takes `undefined` as well; the types in dist/ say so, for programs that compile with that setting.
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import ts from 'typescript';

/** @typedef {{ start: number, end: number, text: string }} Change a part of a text and what stands there instead */

/**
 * A type with `undefined` beside it. `() => T | undefined` would be a function that returns it.
 *
 * @param {ts.TypeNode} type
 * @returns {Change[]}
 */
function orUndefined(type) {
  const [start, end] = [type.getStart(), type.getEnd()];
  const brackets = ts.isFunctionTypeNode(type) || ts.isConstructorTypeNode(type) || ts.isConditionalTypeNode(type);
  return [
    ...(brackets ? [{ start, end: start, text: '(' }] : []),
    { start: end, end, text: `${brackets ? ')' : ''} | undefined` },
  ];
}

/**
 * An optional method as a property, since a method cannot be `undefined`: `f?(x: A): B` becomes `f?: ((x: A) => B) | undefined`.
 *
 * @param {ts.MethodSignature & { type: ts.TypeNode }} method
 * @returns {Change[]}
 */
function asProperty({ name, questionToken, type }) {
  const open = questionToken?.getEnd() ?? name.getEnd();
  const { parent } = type;
  // The colon is the last token between the parameters and the type.
  const colon = parent.getSourceFile().text.lastIndexOf(':', type.getStart());
  return [
    { start: open, end: open, text: ': (' },
    { start: colon, end: colon + 1, text: ' =>' },
    { start: type.getEnd(), end: type.getEnd(), text: ') | undefined' },
  ];
}

/**
 * @param {ts.Node} node
 * @returns {Change[]} what to change in it and below
 */
function changesIn(node) {
  /** @type {Change[]} */
  const changes = [];
  if ((ts.isPropertySignature(node) || ts.isPropertyDeclaration(node)) && node.questionToken && node.type) {
    changes.push(...orUndefined(node.type));
  }
  if (ts.isMethodSignature(node) && node.questionToken && node.type) {
    changes.push(...asProperty(/** @type {ts.MethodSignature & { type: ts.TypeNode }} */ (node)));
  }
  if (ts.isTypeReferenceNode(node) && node.typeName.getText() === 'Partial' && node.typeArguments?.length === 1) {
    const type = node.typeArguments[0].getText();
    const text = `{ [K in keyof ${type}]?: ${type}[K] | undefined }`;
    return [...changes, { start: node.getStart(), end: node.getEnd(), text }];
  }
  ts.forEachChild(node, (child) => void changes.push(...changesIn(child)));
  return changes;
}

// A main entry that is the lean one and its effects has the same types.
if (existsSync('dist/lean.d.ts') && !existsSync('dist/index.d.ts'))
  writeFileSync('dist/index.d.ts', "export * from './lean.js';\n");

for (const path of globSync('dist/**/*.d.ts')) {
  const text = readFileSync(path, 'utf8');
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  // From the back, so that the places in front stay what they are.
  const changes = changesIn(file).toSorted((a, b) => b.start - a.start);
  let result = text;
  for (const { start, end, text } of changes) result = result.slice(0, start) + text + result.slice(end);
  writeFileSync(path, result);
}
