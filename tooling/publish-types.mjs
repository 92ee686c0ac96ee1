// Runs in a package's folder after tsup. The repository compiles without
// `exactOptionalPropertyTypes`, so an optional property or method of its sources takes `undefined`
// as well; the types in dist/ say so, for programs that compile with that setting. And a method of
// an interface that is the function of the same name, without its first argument, gets that
// function's documentation, so that an editor shows it. Beside each file of types a
// map then says where its declarations stand in the sources.
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import ts from 'typescript';
import { declarationMaps } from './declaration-maps.mjs';

/**
 * @typedef {{ start: number, end: number, text: string }} Change a part of a text and what stands
 *   there instead
 */

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
 * An optional method as a property, since a method cannot be `undefined`: `f?(x: A): B` becomes
 * `f?: ((x: A) => B) | undefined`.
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

/**
 * @typedef {{ text: string, parameters: string[] }} Documentation a comment, and the names of the
 *   parameters that it speaks of
 */

/**
 * The documentation of all functions, by every name that they have.
 *
 * @param {ts.SourceFile[]} files
 * @returns {Map<string, Documentation>}
 */
function documentedFunctions(files) {
  /** @type {Map<string, Documentation>} */
  const found = new Map();
  for (const node of files.flatMap((file) => [...file.statements])) {
    if (!ts.isFunctionDeclaration(node) || !node.name || found.has(node.name.text)) continue;
    const comment = ts.getJSDocCommentsAndTags(node).find(ts.isJSDoc);
    if (!comment) continue;
    const parameters = node.parameters.map(({ name }) => name.getText());
    found.set(node.name.text, { text: comment.getText(), parameters });
  }
  for (const node of files.flatMap((file) => [...file.statements])) {
    if (!ts.isExportDeclaration(node) || !node.exportClause || !ts.isNamedExports(node.exportClause)) continue;
    for (const { name, propertyName } of node.exportClause.elements) {
      const documentation = found.get(propertyName?.text ?? name.text);
      if (documentation && !found.has(name.text)) found.set(name.text, documentation);
    }
  }
  return found;
}

/**
 * A function's comment as that of a method: its first parameter is `this`, the others are called as
 * the method calls them.
 *
 * @param {Documentation} documentation
 * @param {ts.MethodSignature} method
 * @returns {string}
 */
function asMethodComment({ text, parameters }, method) {
  const [self, ...others] = parameters;
  const withoutSelf = text.replace(new RegExp(`\\n \\* @param ${self} (?:.|\\n \\*  )*`), '');
  return others.reduce((comment, name, i) => {
    const own = method.parameters[i]?.name.getText();
    return own === undefined ? comment : comment.replace(`@param ${name} `, `@param ${own} `);
  }, withoutSelf);
}

/**
 * @param {ts.SourceFile} file
 * @param {Map<string, Documentation>} functions
 * @returns {Change[]} the comments of methods that have none
 */
function commentsIn(file, functions) {
  const interfaces = file.statements.filter(ts.isInterfaceDeclaration);
  return interfaces.flatMap(({ name, members }) =>
    members.filter(ts.isMethodSignature).flatMap((method) => {
      const documentation = name.text === 'TensorMethods' && functions.get(method.name.getText());
      if (!documentation || ts.getJSDocCommentsAndTags(method).length > 0) return [];
      const start = method.getStart();
      const text = `${asMethodComment(documentation, method).replaceAll('\n', '\n    ')}\n    `;
      return [{ start, end: start, text }];
    }),
  );
}

// A main entry that is the lean one and its effects has the same types.
if (existsSync('dist/lean.d.ts') && !existsSync('dist/index.d.ts'))
  writeFileSync('dist/index.d.ts', "export * from './lean.js';\n");

const paths = globSync('dist/**/*.d.ts');
const files = paths.map((path) => ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true));
// A few functions are there as methods only, and so not among the published types.
const sources = globSync('src/**/*.ts').map((path) =>
  ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true),
);
const functions = documentedFunctions([...files, ...sources]);
// What a script wrote is not published as a source.
const mapOf = declarationMaps(sources.filter(({ fileName }) => !fileName.includes('.generated.')));
for (const file of files) {
  // From the back, so that the places in front stay what they are.
  const changes = [...changesIn(file), ...commentsIn(file, functions)].toSorted((a, b) => b.start - a.start);
  let text = file.text;
  for (const { start, end, text: instead } of changes) text = text.slice(0, start) + instead + text.slice(end);
  const map = mapOf(ts.createSourceFile(file.fileName, text, ts.ScriptTarget.Latest, true));
  if (map !== undefined) {
    writeFileSync(`${file.fileName}.map`, map);
    text += `//# sourceMappingURL=${basename(file.fileName)}.map\n`;
  }
  writeFileSync(file.fileName, text);
}
