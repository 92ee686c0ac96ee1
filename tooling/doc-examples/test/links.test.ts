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
  for (const url of links(document)) {
    // What a package's README links to is told from the top, since npm shows it without the rest.
    const own = /^https:\/\/(?:github\.com|stackblitz\.com\/github)\/rnn-ts\/rnn\/(?:blob|tree)\/main\/([^?]*)/.exec(
      url,
    )?.[1];
    if (own === undefined && /^[a-z]+:/.test(url)) continue;
    const [file, anchor] = (own ?? url).split('#');
    const from = own === undefined ? dirname(document.path) : '.';
    const target = file ? join(root, from, file) : join(root, document.path);
    expect(existsSync(target), `${url}: no such file`).toBe(true);
    if (anchor) expect(anchors(relative(root, target)), `${url}: no such heading`).toContain(anchor);
  }
});
