import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { apiEntries, apiModule, base, home, pages, repository, root, siteLink } from '../src/pages.ts';

// The build comes first: `turbo run build --filter=@rnn/site`.
const dist = join(import.meta.dirname, '../.vitepress/dist');
const html = (path: string): string => readFileSync(join(dist, path), 'utf8');
const built: string[] = globSync('**/*.html', { cwd: dist });
const guides = built.filter((path) => !path.startsWith('api/') && path !== '404.html');

test('every document is a page', () => {
  const expected = pages.map((path) => (path === 'README.md' ? 'index.html' : path.replace(/\.md$/, '.html')));
  expect(guides.toSorted()).toEqual(expected.toSorted());
});

/** The names that an entry of a package exports, as its text says. */
function exportsOf(entry: string): string[] {
  const text = readFileSync(entry, 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '');
  const lists = [...text.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, list = '']) => list.split(','));
  const names = lists.map((item) => /(?:.*\sas\s)?\s*(?:type\s)?\s*(\w+)\s*$/.exec(item)?.[1] ?? '');
  const declared = [...text.matchAll(/^export (?:async )?(?:function|class|const|interface|type) (\w+)/gm)];
  const all = [...names, ...declared.map(([, name = '']) => name)];
  return all.filter((name) => name !== '' && name !== 'default');
}

test.each(apiEntries())('every name that %s exports has its page', (entry) => {
  const module = apiModule(entry).replaceAll(/[@/]/g, '_');
  const summaries = html(`api/modules/${module}.html`).matchAll(/<dt class="tsd-member-summary"[^>]*>(.*?)<\/dt>/g);
  const found = new Set(
    [...summaries].map(([, name = '']) => name.replaceAll(/<svg.*?<\/svg>|<[^>]*>/g, '').split(/\s|→/)[0]),
  );
  expect(exportsOf(entry).length).toBeGreaterThan(0);
  expect(exportsOf(entry).filter((name) => !found.has(name))).toEqual([]);
});

/** The targets of a page's links inside the site. */
function* inside(path: string): Generator<{ target: string; anchor: string | undefined }> {
  for (const [, href = ''] of html(path).matchAll(/<a\b[^>]*?\bhref="([^"]*)"/g)) {
    if (/^[a-z]+:/.test(href)) continue;
    const [file = '', anchor] = href.split('#');
    const full = file === '' ? path : file.startsWith('/') ? file.slice(base.length) : posix.join(dirname(path), file);
    if (file.startsWith('/')) expect(file.startsWith(base), `${path}: ${href} leaves ${base}`).toBe(true);
    yield { target: full === '' || full.endsWith('/') ? `${full}index.html` : full, anchor };
  }
}

describe('links lead to pages and headings that are there', () => {
  test.each(guides)('%s', (path) => {
    for (const { target, anchor } of inside(path)) {
      expect(existsSync(join(dist, target)), `${target}: no such page`).toBe(true);
      if (anchor) expect(html(target).includes(`id="${decodeURIComponent(anchor)}"`), `${target}#${anchor}`).toBe(true);
    }
  });

  test('from documents that are read elsewhere, too', () => {
    const texts = pages.map((path) => readFileSync(join(root, path), 'utf8')).join('\n');
    const urls = [...texts.matchAll(/\]\((https:[^)\s]+)\)/g)].map(([, url = '']) => url);
    const here = urls.filter((url) => url.startsWith(home)).map((url) => url.slice(home.length));
    expect(here.length).toBeGreaterThan(20);
    expect(here.filter((path) => !existsSync(join(dist, path || 'index.html')))).toEqual([]);
  });

  test('of the API', () => {
    const targets = new Set(
      built.filter((path) => path.startsWith('api/')).flatMap((path) => [...inside(path)].map(({ target }) => target)),
    );
    expect([...targets].filter((target) => !existsSync(join(dist, target)))).toEqual([]);
  });
});

test('five questions are two clicks from the README', () => {
  const reached = (from: readonly string[]): string[] =>
    from.filter((path) => !path.startsWith('api/')).flatMap((path) => [...inside(path)].map(({ target }) => target));
  const once = reached(['index.html']);
  const clicks = new Set([...once, ...reached(once)]);
  const answers = [
    'docs/start.html',
    'docs/recipes/forecast.html',
    'docs/recipes/bring-a-model.html',
    'docs/when-it-goes-wrong.html',
    'docs/recipes/serve.html',
  ];
  for (const answer of answers) expect(clicks.has(answer), answer).toBe(true);
});

test('what is no page leads to the sources, and a broken link is an error', () => {
  expect(siteLink('src/tensor.ts', 'packages/core/README.md')).toMatch(
    /^https:.*\/blob\/main\/packages\/core\/src\/tensor\.ts$/,
  );
  expect(siteLink('../../docs/programs.md#x', 'packages/core/README.md')).toBe('../../docs/programs.md#x');
  expect(siteLink(`${repository}/blob/main/docs/programs.md#x`, 'packages/core/README.md')).toBe('/docs/programs.md#x');
  expect(() => siteLink('nowhere.md', 'README.md')).toThrow('nowhere.md leads to no file');
});

test('nothing is loaded from elsewhere', () => {
  for (const path of guides) {
    const loads = [...html(path).matchAll(/<(?:script|link|img)\b[^>]*?\b(?:src|href)="((?!data:)[a-z]+:[^"]*)"/g)].map(
      ([, url]) => url,
    );
    expect(loads, path).toEqual([]);
  }
});
