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

/** The documents that a document links to, with the headings that its links name. */
function targets(path: string): string[] {
  const document = all.find((each) => each.path === path);
  return (document ? links(document) : [])
    .filter((url) => !/^[a-z]+:/.test(url))
    .map((url) => {
      const [file = '', anchor] = url.split('#');
      const target = file === '' ? path : relative(root, join(root, dirname(path), file));
      return anchor === undefined ? target : `${target}#${anchor}`;
    });
}
const withoutAnchor = (target: string): string => target.replace(/#.*/, '');

// From the README, click by click: what is linked there, and what is linked there.
const once = targets('README.md');
const twice = new Set([...once, ...once.flatMap((target) => targets(withoutAnchor(target)))].map(withoutAnchor));

test.each([
  ['how do I save?', 'docs/start.md', 'Save and load'],
  ['how do I use my CSV?', 'docs/recipes/csv.md', 'CSV'],
  ['how do I take my PyTorch model?', 'docs/recipes/bring-a-model.md', 'Weights of PyTorch'],
  ['why is it NaN?', 'docs/when-it-goes-wrong.md', 'The loss is NaN'],
  ['how do I serve it?', 'docs/recipes/serve.md', 'HTTP'],
])('"%s" is answered within two clicks of the README', (_, path, heading) => {
  expect(twice).toContain(path);
  const page = all.find((each) => each.path === path);
  expect(page && headings(page).some((text) => text.includes(heading)), heading).toBe(true);
});

test('every guide, recipe and page of the reference is within two clicks of the README', () => {
  const pages = all.map(({ path }) => path).filter((path) => path.startsWith('docs/') && !/decisions\/\d/.test(path));
  expect(pages.filter((path) => !twice.has(path))).toEqual([]);
  for (const path of ['tooling/bench/README.md', 'UPGRADING.md', 'docs/decisions/README.md'])
    expect(twice).toContain(path);
});
