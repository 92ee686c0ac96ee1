import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/** The repository's top folder. */
export const root: string = join(import.meta.dirname, '../../..');

/** Where the sources can be read. */
export const repository = 'https://github.com/rnn-ts/rnn';

/** Where the site can be read. */
export const home = 'https://rnn-ts.github.io/rnn/';

/** The folder of the host that the site is made for. */
export const base: string = process.env.SITE_BASE ?? '/rnn/';

const patterns = [
  '*.md',
  'docs/**/*.md',
  'packages/*/README.md',
  'tooling/bench/README.md',
  'apps/playground/README.md',
];

/** The documents that are pages of the site, as paths from the top folder. */
export const pages: readonly string[] = globSync(patterns, {
  cwd: root,
  exclude: (path) => path.includes('node_modules'),
}).toSorted();

/**
 * Where a link of a document leads on the site: pages stay as they are, and what is no page is
 * shown where the sources are.
 *
 * @param href - as the document has it
 * @param page - the document's path from the top folder
 */
export function siteLink(href: string, page: string): string {
  // A package's README is read on npm, too, and names what it links to from the top.
  const own = /^(.*)\/(?:blob|tree)\/main\/(.*)$/.exec(href);
  const fromTop = own?.[1] === repository ? own[2] : undefined;
  if (fromTop === undefined && /^([a-z]+:|#|\/)/.test(href)) return href;
  const [path = '', anchor] = (fromTop ?? href).split('#');
  const folder = fromTop === undefined ? posix.dirname(page) : '.';
  const target = posix.normalize(posix.join(folder, path));
  const hash = anchor === undefined ? '' : `#${anchor}`;
  if (target === 'README.md') return `/${hash}`;
  if (pages.includes(target)) return fromTop === undefined ? href : `/${target}${hash}`;
  if (!existsSync(join(root, target))) throw new Error(`${page}: ${href} leads to no file`);
  const kind = posix.extname(target) === '' ? 'tree' : 'blob';
  return `${repository}/${kind}/main/${target}${hash}`;
}

/**
 * The entries of packages whose exports have pages. What is there for smaller pages has the names
 * of the main entry.
 */
export function apiEntries(): string[] {
  const manifests = globSync('packages/*/package.json', { cwd: root }).toSorted();
  const sources = manifests.flatMap((path) => {
    const { exports } = JSON.parse(readFileSync(join(root, path), 'utf8')) as { exports: Record<string, Entry> };
    const own = Object.entries(exports).filter(([name]) => name !== './lean');
    return own.flatMap(([, entry]) => (entry['@rnn/source'] ? join(root, dirname(path), entry['@rnn/source']) : []));
  });
  return [...new Set(sources)];
}

interface Entry {
  readonly '@rnn/source'?: string;
}

/**
 * How an entry is imported.
 *
 * @param source - its file, or that without an extension, from any folder
 */
export function apiModule(source: string): string {
  return source.replace(/^.*?packages\/([^/]+)\/src/, '@rnn/$1').replace(/(\/index)?(\.ts)?$/, '');
}
