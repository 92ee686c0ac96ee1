import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { defineConfig } from 'vitepress';
import { base, pages, repository, root, siteLink } from '../src/pages.ts';

const recipes = [
  ['Forecast a series', 'forecast'],
  ['Use your own CSV', 'csv'],
  ['Classify sequences', 'classify-sequences'],
  ['Learn and write text', 'text'],
  ['A sequence in, a sequence out', 'seq2seq'],
  ['A stream', 'stream'],
  ['Serve over HTTP', 'serve'],
  ['Train in a worker', 'worker'],
  ['Bring a model', 'bring-a-model'],
  ['Ship a model as one file', 'ship-a-model'],
  ['At the edge, in extensions', 'edge'],
  ['A cell of your own', 'own-cell'],
  ['A backend of your own', 'own-backend'],
  ['A loss of your own', 'own-loss'],
  ['Resets (reinforcement learning)', 'resets'],
] as const;
const packages = pages.flatMap((path) => /^packages\/(.+)\/README\.md$/.exec(path)?.[1] ?? []);

// The documents lie outside this package and import its Vue.
const vue = dirname(createRequire(import.meta.resolve('vitepress')).resolve('vue/package.json'));

const icon =
  'data:image/svg+xml,<svg xmlns=%22http://www.w3.org/2000/svg%22 viewBox=%220 0 16 16%22><path d=%22M4 8a4 4 0 1 1 4 4H3m2-2-2 2 2 2%22 fill=%22none%22 stroke=%22%233451b2%22 stroke-width=%222%22/></svg>';

export default defineConfig({
  title: '@rnn',
  description: 'Recurrent neural networks for TypeScript, in Node and the browser',
  base,
  head: [['link', { rel: 'icon', href: icon }]],
  srcDir: root,
  srcExclude: [
    'examples/**',
    '**/CHANGELOG.md',
    '.*/**',
    '{packages,apps,tooling}/*/*/**',
    'tooling/{doc-examples,package-checks,fixtures}/**',
  ],
  vite: { resolve: { alias: { vue } } },
  rewrites: { 'README.md': 'index.md' },
  markdown: {
    config(md) {
      // Runs before VitePress looks at links: what is no page leads to the sources.
      md.core.ruler.push('site-links', (state) => {
        const page = (state.env as { relativePath: string }).relativePath.replace(/^index\.md$/, 'README.md');
        for (const token of state.tokens.flatMap(({ children }) => children ?? [])) {
          const href = token.attrGet('href');
          if (token.type === 'link_open' && href) token.attrSet('href', siteLink(href, page));
        }
      });
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    socialLinks: [{ icon: 'github', link: repository }],
    nav: [
      { text: 'Start', link: '/docs/start' },
      { text: 'Recipes', link: '/docs/recipes/forecast' },
      { text: 'API', link: '/api/index.html', target: '_self' },
    ],
    sidebar: [
      {
        text: 'Begin',
        items: [
          { text: 'Start', link: '/docs/start' },
          { text: 'From the PyTorch lesson', link: '/docs/from-the-lesson' },
          { text: 'For PyTorch users', link: '/docs/for-pytorch-users' },
          { text: 'When it goes wrong', link: '/docs/when-it-goes-wrong' },
        ],
      },
      { text: 'Recipes', items: recipes.map(([text, name]) => ({ text, link: `/docs/recipes/${name}` })) },
      {
        text: 'Reference',
        items: [
          { text: 'All of it', link: '/docs/reference/README' },
          { text: 'Which backend?', link: '/docs/which-backend' },
          { text: 'Numbers and determinism', link: '/docs/reference/numbers' },
          { text: 'Errors', link: '/docs/reference/errors' },
          { text: 'Compatibility with PyTorch', link: '/docs/reference/pytorch-compatibility' },
          { text: 'Dependencies', link: '/docs/reference/dependencies' },
          { text: 'How speed is measured', link: '/tooling/bench/README' },
          { text: 'Programs', link: '/docs/programs' },
          { text: 'Gallery of recurrences', link: '/docs/gallery' },
          { text: 'Glossary', link: '/docs/reference/glossary' },
          { text: 'API of all packages', link: '/api/index.html', target: '_self' },
        ],
      },
      { text: 'Packages', items: packages.map((name) => ({ text: `@rnn/${name}`, link: `/packages/${name}/README` })) },
      {
        text: 'Inside',
        items: [
          { text: 'Architecture', link: '/docs/architecture' },
          { text: 'A new backend', link: '/docs/new-backend' },
          { text: 'Decisions', link: '/docs/decisions/README' },
          { text: 'Contributing', link: '/CONTRIBUTING' },
          { text: 'Upgrading', link: '/UPGRADING' },
          { text: 'Security', link: '/SECURITY' },
        ],
      },
    ],
  },
});
