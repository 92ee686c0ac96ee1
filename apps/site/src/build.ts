/**
 * Builds the site into .vitepress/dist: the documents by VitePress, and the API by TypeDoc under
 * api/.
 *
 *   node src/build.ts                  for the folder /rnn/ of a host
 *   SITE_BASE=/ node src/build.ts      for the root of one
 */
import { join } from 'node:path';
import { Application } from 'typedoc';
import { build } from 'vitepress';
import { apiEntries, apiModule, base, repository, root } from './pages.ts';

const folder = join(import.meta.dirname, '..');
await build(folder);

const app = await Application.bootstrap({
  name: '@rnn',
  entryPoints: apiEntries(),
  tsconfig: join(folder, 'tsconfig.api.json'),
  out: join(folder, '.vitepress/dist/api'),
  readme: 'none',
  skipErrorChecking: true,
  excludeInternal: true,
  excludePrivate: true,
  disableGit: true,
  sourceLinkTemplate: `${repository}/blob/main/{path}#L{line}`,
  basePath: root,
  navigationLinks: { Guides: base },
});
const project = await app.convert();
if (!project) throw new Error('TypeDoc found no API');
// Modules are called as they are imported.
for (const module of project.children ?? []) module.name = apiModule(module.name);
await app.generateOutputs(project);
