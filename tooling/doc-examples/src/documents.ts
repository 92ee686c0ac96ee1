import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Code, Heading, Link, Nodes, RootContent } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';

/** The repository's top folder. */
export const root: string = join(import.meta.dirname, '../../..');

/** A program in a document and what it prints. */
export interface Example {
  /** The document and the line of its first character, as `README.md:12`. */
  readonly place: string;
  readonly code: string;
  readonly output: string;
}

/** A document in Markdown. */
export interface Document {
  /** Its path from the repository's top folder. */
  readonly path: string;
  readonly children: RootContent[];
}

/** All documents that readers find in the repository. */
export function documents(): Document[] {
  return globSync(['*.md', 'docs/**/*.md', '{packages,apps,tooling}/*/*.md'], { cwd: root })
    .filter((path) => !path.endsWith('CHANGELOG.md'))
    .toSorted()
    .map((path) => parse(path, readFileSync(join(root, path), 'utf8')));
}

/** Reads a document's text. */
export function parse(path: string, text: string): Document {
  return { path, children: fromMarkdown(text).children };
}

/**
 * The programs of a document: every `ts` block is one, unless its fence says `ts fragment`. A
 * `text` block right after it is what the program prints; without one it prints nothing.
 */
export function examples({ path, children }: Document): Example[] {
  return children.flatMap((node, index) => {
    if (!isCode(node, 'ts') || node.meta === 'fragment') return [];
    const next = children[index + 1];
    const output = next && isCode(next, 'text') ? next.value : '';
    return [{ place: `${path}:${node.position?.start.line}`, code: node.value, output }];
  });
}

function isCode(node: Nodes, language: string): node is Code {
  return node.type === 'code' && node.lang === language;
}

/** The targets of a document's links. */
export function links({ children }: Document): string[] {
  return children.flatMap((node) => descendants(node, 'link')).map((node) => (node as Link).url);
}

/** The texts of a document's headings. */
export function headings({ children }: Document): string[] {
  return children.flatMap((node) => descendants(node, 'heading')).map((node) => plainText(node as Heading));
}

function descendants(node: Nodes, type: string): Nodes[] {
  const below = 'children' in node ? node.children.flatMap((child) => descendants(child, type)) : [];
  return node.type === type ? [node, ...below] : below;
}

function plainText(node: Nodes): string {
  if ('children' in node) return node.children.map(plainText).join('');
  return 'value' in node ? node.value : '';
}
