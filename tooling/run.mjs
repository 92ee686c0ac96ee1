// The repository's two commands, and two for maintainers. Each sets up all that it needs.
//
//   npm start [-- OPTIONS]            the tour: every part of @rnn on real data, in the terminal
//   npm test                          every check: lint, format, types, tests, packages, documents
//   npm run bench [-- OPTIONS]        times of the same work here and in other libraries; see tooling/bench/README.md
//   npm run toolchain -- COMMAND...   any command with the repository's own Node, pnpm and tools, e.g. pnpm install
import { findChromium } from './chromium.mjs';
import { removeReports, totals } from './reports.mjs';
import { installDependencies, prepareToolchain, run, SetupError } from './toolchain.mjs';
import { hasBrowserTests } from './workspace.mjs';

const checks = ['lint', 'format:check', 'arrows', 'unused', 'typecheck', 'build', 'size', 'test'];

/**
 * Builds what a program of the workspace imports, then runs the program.
 *
 * @param {string} name its package
 * @param {string} program
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
async function runProgram(name, program, args) {
  const env = await prepareToolchain();
  await installDependencies(env);
  console.log('Building the packages');
  // An unchanged checkout takes its build from turbo's cache; only a failure has something to say.
  const code = await run('turbo', ['run', 'build', `--filter=${name}...`, '--output-logs=errors-only'], {
    env,
    quiet: true,
  });
  return code === 0 ? run('node', [program, ...args], { env }) : code;
}

/** @returns {Promise<number>} the exit code */
async function test() {
  const env = await prepareToolchain();
  await installDependencies(env);
  const tasks = [...checks];
  if (hasBrowserTests()) {
    env.CHROMIUM_PATH = await findChromium(env);
    tasks.push('test:browser');
  }
  removeReports();
  if (!process.stdout.isTTY) env.NO_COLOR = '1';
  // One failure must not hide the next one: whatever does not depend on it still runs.
  const flags = ['--continue=dependencies-successful', '--output-logs=new-only'];
  const code = await run('turbo', ['run', ...tasks, ...flags], { env });
  const { passed, failed, skipped } = totals();
  if (code !== 0 && failed === 0) console.log('\nA check failed: see the tasks that turbo names above.');
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
  return code;
}

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
async function exec([command, ...args]) {
  const env = await prepareToolchain();
  return run(command, args, { env, input: true });
}

const usage = 'Usage: node tooling/run.mjs start [OPTIONS] | test | bench [OPTIONS] | exec COMMAND [ARGUMENTS]';
const [command, ...args] = process.argv.slice(2);
try {
  if (command === 'start') process.exitCode = await runProgram('@rnn/playground', 'apps/playground/src/main.ts', args);
  else if (command === 'bench') process.exitCode = await runProgram('@rnn/bench', 'tooling/bench/src/main.ts', args);
  else if (command === 'test') process.exitCode = await test();
  else if (command === 'exec' && args.length > 0) process.exitCode = await exec(args);
  else throw new SetupError(usage);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
