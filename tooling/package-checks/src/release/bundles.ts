import { nodeResolve } from '@rollup/plugin-node-resolve';
import {
  cpSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import * as esbuild from 'esbuild';
import { chromium } from 'playwright';
import { rollup } from 'rollup';
import { build as viteBuild } from 'vite';
import webpack from 'webpack';
import { run } from './commands.ts';
import type { Program } from './consumers.ts';
import { commandOf } from './tools.ts';

const page = (script: string): string =>
  `<!doctype html><meta charset="utf-8"><title>A page</title><pre></pre><script type="module" src="${script}"></script>\n`;

/** Bundles `page.js` of a project into a folder of its own, which then holds a page. */
const bundlers: Record<string, (project: string, out: string, env: NodeJS.ProcessEnv) => Promise<void>> = {
  async Vite(project, out) {
    writeFileSync(join(project, 'index.html'), page('./page.js'));
    await viteBuild({ root: project, configFile: false, logLevel: 'error', base: './', build: { outDir: out } });
  },
  async webpack(project, out) {
    const compiler = webpack({
      mode: 'production',
      context: project,
      entry: './page.js',
      output: { path: out, filename: 'page.js' },
      performance: false,
    });
    const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
      compiler.run((error, result) => (error ? reject(error) : resolve(result)));
    });
    const { errors = [], warnings = [] } = stats?.toJson({ all: false, errors: true, warnings: true }) ?? {};
    if (errors.length + warnings.length > 0) throw new Error(JSON.stringify([errors, warnings]));
  },
  async esbuild(project, out) {
    await esbuild.build({
      entryPoints: [join(project, 'page.js')],
      outdir: out,
      bundle: true,
      splitting: true,
      minify: true,
      format: 'esm',
      logLevel: 'error',
    });
  },
  async Rollup(project, out) {
    const bundle = await rollup({
      input: join(project, 'page.js'),
      plugins: [nodeResolve({ browser: true })],
      onwarn: (warning) => {
        throw new Error(warning.message);
      },
    });
    await bundle.write({ dir: out, format: 'es' });
  },
  async Parcel(project, out, env) {
    writeFileSync(join(project, 'index.html'), page('./page.js'));
    // Parcel looks at the entries of a package only where a project tells it to:
    // docs/when-it-goes-wrong.md.
    const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as object;
    const told = { ...manifest, '@parcel/resolver-default': { packageExports: true } };
    writeFileSync(join(project, 'package.json'), JSON.stringify(told));
    const args = ['build', 'index.html', '--dist-dir', out, '--public-url', './', '--no-cache'];
    await run(process.execPath, [commandOf('parcel'), ...args], { cwd: project, env });
  },
};

/** What the program prints appears in the page. */
const pageProgram = ({ code }: Program): string =>
  `${code.replaceAll('console.log(', 'show(')}
function show(line) {
  document.querySelector('pre').append(line + '\\n');
}
document.body.dataset.done = '';
`;

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** Serves a folder on this machine. */
async function serve(folder: string): Promise<{ url: string; close: () => void }> {
  const server = createServer(({ url = '/' }, response) => {
    const path = join(folder, normalize(decodeURIComponent(new URL(url, 'http://localhost').pathname)));
    const file = existsSync(path) && statSync(path).isDirectory() ? join(path, 'index.html') : path;
    if (!existsSync(file)) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/**
 * Bundles the program by every bundler, and opens what each made in Chromium.
 *
 * @param project - where the packages are installed
 * @param executablePath - Chromium's
 * @param report - hears of each bundler and its bytes
 */
export async function bundlesRun(
  project: string,
  program: Program,
  executablePath: string,
  env: NodeJS.ProcessEnv,
  report: (bundler: string, bytes: number) => void,
): Promise<void> {
  const browser = await chromium.launch({ executablePath });
  try {
    for (const [name, bundle] of Object.entries(bundlers)) {
      const copy = join(project, '..', `bundle-${name}`);
      cpSync(project, copy, { recursive: true });
      writeFileSync(join(copy, 'page.js'), pageProgram(program));
      const out = join(copy, 'out');
      mkdirSync(out);
      await bundle(copy, out, env);
      if (!existsSync(join(out, 'index.html'))) writeFileSync(join(out, 'index.html'), page('./page.js'));
      const { url, close } = await serve(out);
      const tab = await browser.newPage();
      try {
        const failed = new Promise<never>((_, reject) => tab.once('pageerror', reject));
        await tab.goto(url);
        await Promise.race([tab.waitForSelector('[data-done]', { timeout: 60_000 }), failed]);
        const shown = (await tab.textContent('pre')) ?? '';
        if (shown.trim() !== program.prints.trim()) throw new Error(`${name}: the page shows ${shown}`);
      } finally {
        await tab.close();
        close();
      }
      const sizes = readdirSync(out, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.name.endsWith('.map'))
        .map(({ parentPath, name: file }) => statSync(join(parentPath, file)).size);
      report(
        name,
        sizes.reduce((a, b) => a + b, 0),
      );
    }
  } finally {
    await browser.close();
  }
}
