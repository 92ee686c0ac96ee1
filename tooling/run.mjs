// The repository's commands. Each sets up all that it needs.
//
//   npm start [-- OPTIONS]            the tour of @rnn on real data, in the terminal
//   npm run page                      the same on a web page, served from this machine
//   npm run site                      the documents and the API as a site, served from this machine
//   npm run example -- NAME [ARGUMENTS]
//                                     a job of examples/ in full, with the packages as published
//   npm test [-- PACKAGE...]          every check: lint, format, types, tests, packages, documents
//   npm run check                     while working: lint, format, types, and the tests in Node of
//                                     the packages that differ from main
//   npm run bench [-- OPTIONS]        times of the same work here and in other libraries
//   npm run compare [-- COMMIT]       sizes and times of this checkout beside those of main
//   npm run api                       writes what each package exports into packages/*/api
//   npm run release:try               a release of what is committed to a registry of this machine,
//                                     then installed, run and bundled
//   npm run toolchain -- COMMAND...   any command with the repository's own Node, pnpm and tools
import { fileURLToPath } from 'node:url';
import { findChromium } from './chromium.mjs';
import { outcome, removeReports } from './reports.mjs';
import { installDependencies, prepareToolchain, run, runProgram, SetupError } from './toolchain.mjs';
import { changedPackages, hasBrowserTests, workspacePackages } from './workspace.mjs';

const atTheTop = ['lint', 'format:check', 'arrows', 'unused'];
/** One failure must not hide the next one: whatever does not depend on it still runs. */
const flags = ['--continue=dependencies-successful', '--output-logs=new-only', '--summarize'];

/**
 * Builds what a program of the workspace imports, then runs the program.
 *
 * @param {string} name its package
 * @param {string} program
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
async function buildAndRun(name, program, args) {
  const env = await prepareToolchain();
  await installDependencies(env);
  console.log('Building the packages');
  // An unchanged checkout takes its build from turbo's cache; only a failure has something to say.
  const code = await run('turbo', ['run', 'build', `--filter=${name}...`, '--output-logs=errors-only'], {
    env,
    quiet: true,
  });
  return code === 0 ? runProgram(program, args, env) : code;
}

/**
 * Serves the page from the sources; the kernels among them are made first.
 *
 * @param {string[]} args for Vite
 * @returns {Promise<number>} the exit code
 */
async function page(args) {
  const env = await prepareToolchain();
  await installDependencies(env);
  const generate = ['run', 'generate', '--filter=@rnn/playground...', '--output-logs=errors-only'];
  const code = await run('turbo', generate, { env, quiet: true });
  return code === 0 ? run('pnpm', ['--filter', '@rnn/playground', 'run', 'web', ...args], { env, input: true }) : code;
}

/**
 * Builds the site and serves it as a host would.
 *
 * @param {string[]} args for VitePress, such as `--port 8080`
 * @returns {Promise<number>} the exit code
 */
async function site(args) {
  const env = await prepareToolchain();
  await installDependencies(env);
  console.log('Building the site; this takes a minute');
  const code = await run('turbo', ['run', 'build', '--filter=@rnn/site', '--output-logs=errors-only'], {
    env,
    quiet: true,
  });
  return code === 0 ? run('pnpm', ['--filter', '@rnn/site', 'run', 'serve', ...args], { env, input: true }) : code;
}

/**
 * Writes the digests by which turbo tells what a package's tests stand on; by the tools' own Node,
 * since this one may be older.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} the exit code
 */
function writeDigests(env) {
  return run('node', [fileURLToPath(new URL('sources.mjs', import.meta.url))], { env });
}

/**
 * Runs checks, then says what failed and why tests were skipped; the last line counts.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {string[]} checks tasks of turbo
 * @param {string[]} [filters]
 * @returns {Promise<number>} the exit code
 */
async function runChecks(env, checks, filters = []) {
  removeReports();
  if (!process.stdout.isTTY) env.NO_COLOR = '1';
  // First what the rest stands on: tests are told from one another by sources, generated ones among
  // them, and some run on builds.
  const built = await run('turbo', ['run', 'generate', 'build', ...flags], { env });
  if ((await writeDigests(env)) !== 0) return 1;
  const checked = await run('turbo', ['run', ...checks, ...filters, ...flags], { env });
  const { passed, failed, skipped, lines } = outcome();
  console.log(['', ...lines, `${passed} passed, ${failed} failed, ${skipped} skipped`].join('\n'));
  if (built !== 0 || checked !== 0) return built || checked;
  return failed > 0 ? 1 : 0;
}

/**
 * @param {string[]} names packages with or without `@rnn/`; none for all
 * @returns {Promise<number>} the exit code
 */
async function test(names) {
  const chosen = names.map((name) => `@rnn/${name.replace('@rnn/', '')}`);
  const known = workspacePackages();
  const strange = chosen.find((name) => !known.includes(name));
  if (strange !== undefined) throw new SetupError(`There is no package ${strange}; there are ${known.join(', ')}.`);
  const env = await prepareToolchain();
  await installDependencies(env);
  const checks = ['typecheck', 'size', 'test'];
  if (hasBrowserTests()) {
    env.CHROMIUM_PATH = await findChromium(env);
    checks.push('test:browser');
  }
  if (chosen.length > 0)
    return runChecks(
      env,
      checks,
      chosen.map((name) => `--filter=${name}`),
    );
  return runChecks(env, [...atTheTop, ...checks]);
}

/** @returns {Promise<number>} the exit code */
async function check() {
  const env = await prepareToolchain();
  await installDependencies(env);
  const changed = changedPackages();
  console.log(changed.length === 0 ? 'No package differs from main.' : `Different from main: ${changed.join(', ')}`);
  return runChecks(env, [...atTheTop, 'typecheck', ...changed.map((name) => `${name}#test`)]);
}

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
async function tryRelease(args) {
  const env = await prepareToolchain();
  await installDependencies(env);
  env.CHROMIUM_PATH = await findChromium(env);
  return run('node', ['tooling/package-checks/src/release/try.ts', ...args], { env });
}

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
async function exec([command, ...args]) {
  const env = await prepareToolchain();
  if (command === 'turbo' && (await writeDigests(env)) !== 0) return 1;
  return run(command, args, { env, input: true });
}

const usage =
  'Usage: node tooling/run.mjs start [OPTIONS] | page | site | example NAME [ARGUMENTS] | test [PACKAGES] | check | bench [OPTIONS] | compare [COMMIT] | api | release:try | exec COMMAND [ARGUMENTS]';
const [command, ...args] = process.argv.slice(2);
try {
  if (command === 'start') process.exitCode = await buildAndRun('@rnn/playground', 'apps/playground/src/main.ts', args);
  else if (command === 'bench') process.exitCode = await buildAndRun('@rnn/bench', 'tooling/bench/src/main.ts', args);
  else if (command === 'example')
    process.exitCode = await buildAndRun('@rnn/package-checks', 'tooling/package-checks/src/run-example.ts', args);
  else if (command === 'test') process.exitCode = await test(args);
  else if (command === 'check') process.exitCode = await check();
  else if (command === 'page') process.exitCode = await page(args);
  else if (command === 'compare')
    process.exitCode = await buildAndRun('@rnn/package-checks', 'tooling/bench/src/change/compare.ts', args);
  else if (command === 'api')
    process.exitCode = await buildAndRun(
      '@rnn/package-checks',
      'tooling/package-checks/src/write-api-reports.ts',
      args,
    );
  else if (command === 'release:try') process.exitCode = await tryRelease(args);
  else if (command === 'site') process.exitCode = await site(args);
  else if (command === 'exec' && args.length > 0) process.exitCode = await exec(args);
  else throw new SetupError(usage);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
