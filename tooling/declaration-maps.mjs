// Where the declarations of published types stand in the sources: a map beside each file of types,
// by which an editor's "go to definition" opens the source. The types are rolled into few files and
// changed afterwards, so a map is made by names: a declaration is mapped to that of the same kind
// and name in src/, and what it names inside, such as a member or an option, to the same place
// there.
import { basename, dirname, relative } from 'node:path';
import { encode } from '@jridgewell/sourcemap-codec';
import ts from 'typescript';

/**
 * @typedef {{ path: string, name: ts.Node }} Named a name inside of a declaration, and the names
 * that lead to it
 */

/**
 * The names in a declaration, each with those of all that holds it: `Adam.step`,
 * `Adam.step.closure`.
 *
 * @param {ts.Node} node
 * @param {string} above
 * @returns {Named[]}
 */
function namesIn(node, above = '') {
  const name = /** @type {{ name?: ts.Node }} */ (/** @type {unknown} */ (node)).name;
  const isNamed = name !== undefined && (ts.isIdentifier(name) || ts.isStringLiteral(name));
  const path = isNamed ? `${above}.${bare(name.getText())}` : above;
  /** @type {Named[]} */
  const names = isNamed ? [{ path, name }] : [];
  // What a body declares is nobody else's.
  ts.forEachChild(node, (child) => void (ts.isBlock(child) || names.push(...namesIn(child, path))));
  return names;
}

/**
 * The same from the declaration itself on, whatever it is called.
 *
 * @param {ts.Node} node
 */
const within = (node) => namesIn(node).map(({ path, name }) => ({ path: path.replace(/^\.[^.]*/, ''), name }));

/**
 * Where two files declare the same name, the types call one of them `name$1`.
 *
 * @param {string} name
 */
const bare = (name) => name.replace(/\$\d+$/, '');

/**
 * @param {ts.SourceFile} file
 * @returns {{ key: string, node: ts.Node }[]} what it declares at its top, by kind and name
 */
function declarationsIn(file) {
  return file.statements.flatMap((statement) => {
    /** @type {ts.NodeArray<ts.Node> | ts.Node[]} */
    const nodes = ts.isVariableStatement(statement) ? statement.declarationList.declarations : [statement];
    return nodes.flatMap((node) => {
      const { name } = /** @type {{ name?: ts.Node }} */ (/** @type {unknown} */ (node));
      return name && ts.isIdentifier(name) ? [{ key: `${node.kind} ${bare(name.text)}`, node }] : [];
    });
  });
}

/**
 * Of the declarations of a name the one whose text begins most like another: with the same comment,
 * members and parameters.
 *
 * @param {ts.Node[]} candidates
 * @param {ts.Node} node
 */
function closest(candidates, node) {
  if (candidates.length < 2) return candidates[0];
  const wanted = new Set(within(node).map(({ path }) => path));
  const comment = commentOf(node);
  const scores = candidates.map((candidate) => {
    const same = within(candidate).filter(({ path }) => wanted.has(path)).length;
    return same + (comment !== '' && commentOf(candidate) === comment ? 1000 : 0);
  });
  return candidates[scores.indexOf(Math.max(...scores))];
}

/** @param {ts.Node} node */
const commentOf = (node) =>
  ts
    .getJSDocCommentsAndTags(node)
    .map((comment) => comment.getText().replaceAll(/\s+/g, ' '))
    .join('');

/**
 * @param {readonly ts.SourceFile[]} sources
 * @returns {(types: ts.SourceFile) => string | undefined} the map of a file of types; none where it
 *   declares nothing
 */
export function declarationMaps(sources) {
  /** @type {Map<string, ts.Node[]>} */
  const known = new Map();
  for (const { key, node } of sources.flatMap(declarationsIn)) known.set(key, [...(known.get(key) ?? []), node]);
  /**
   * What another name of a declaration stands for: the types write `export * as init` as
   * `const init_ones: typeof ones`.
   *
   * @param {ts.Node} node
   */
  const meant = (node) => {
    const { type } = /** @type {{ type?: ts.Node }} */ (/** @type {unknown} */ (node));
    if (!type || !(ts.isTypeQueryNode(type) || ts.isTypeReferenceNode(type))) return [];
    const name = bare((ts.isTypeQueryNode(type) ? type.exprName : type.typeName).getText());
    return [...known].filter(([key]) => key.endsWith(` ${name}`)).flatMap(([, nodes]) => nodes);
  };
  return (types) => {
    /** @type {string[]} */
    const files = [];
    /** @type {[number, number, number, number][][]} */
    const lines = types.getLineStarts().map(() => []);
    /**
     * @type {Map<string, number>} how often a name came: overloads stand in the same order here and
     * there
     */
    const count = new Map();
    for (const { key, node } of declarationsIn(types)) {
      const candidates = known.get(key) ?? meant(node);
      const nth = count.get(key) ?? 0;
      count.set(key, nth + 1);
      const isOverload =
        ts.isFunctionDeclaration(node) && new Set(candidates.map((each) => each.getSourceFile())).size === 1;
      const source = isOverload ? candidates[Math.min(nth, candidates.length - 1)] : closest(candidates, node);
      if (source === undefined) continue;
      const file = source.getSourceFile();
      const path = relative(dirname(types.fileName), file.fileName).replaceAll('\\', '/');
      if (!files.includes(path)) files.push(path);
      /** @type {Map<string, ts.Node[]>} */
      const places = new Map();
      for (const { path: inner, name } of within(source)) places.set(inner, [...(places.get(inner) ?? []), name]);
      for (const { path: inner, name } of within(node)) {
        const all = places.get(inner) ?? [];
        const place = all.length > 1 ? all.shift() : all[0];
        if (place === undefined) continue;
        const from = types.getLineAndCharacterOfPosition(name.getStart());
        const to = file.getLineAndCharacterOfPosition(place.getStart());
        lines[from.line]?.push([from.character, files.indexOf(path), to.line, to.character]);
      }
    }
    if (files.length === 0) return undefined;
    for (const line of lines) line.sort(([a], [b]) => a - b);
    return JSON.stringify({
      version: 3,
      file: basename(types.fileName),
      sources: files,
      names: [],
      mappings: encode(lines),
    });
  };
}
