import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import GithubSlugger from 'github-slugger';
import { expect, test } from 'vitest';
import { documents, headings, links, root } from '../src/documents.ts';

const all = documents();

/** The anchors that a document offers, as forges make them from headings. */
function anchors(path: string): string[] {
  const document = all.find((candidate) => candidate.path === path);
  const slugger = new GithubSlugger();
  return document ? headings(document).map((text) => slugger.slug(text)) : [];
}

test.each(all)('$path links to places that are there', (document) => {
  for (const url of links(document).filter((link) => !/^[a-z]+:/.test(link))) {
    const [file, anchor] = url.split('#');
    const target = file ? join(root, dirname(document.path), file) : join(root, document.path);
    expect(existsSync(target), `${url}: no such file`).toBe(true);
    if (anchor) expect(anchors(relative(root, target)), `${url}: no such heading`).toContain(anchor);
  }
});
