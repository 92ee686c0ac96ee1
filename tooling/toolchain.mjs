// Installs the tools that the repository is built with: a recent Node where the running one is too
// old, pnpm, and the dependencies.
// Everything lands in the git-ignored `.toolchain/` and `node_modules/`; plain JavaScript for Node
// >= 18, without dependencies.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describeCargo } from './cargo.mjs';
import { readJson, root } from './workspace.mjs';

const toolchain = join(root, '.toolchain');
const windows = process.platform === 'win32';

/** An expected failure: reported by its message alone, without a stack. */
export class SetupError extends Error {}

/**
 * Runs a command to its end, with its output on ours.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {object} [options]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {boolean} [options.quiet] show the output only if the command fails
 * @param {boolean} [options.input] pass our standard input on; otherwise there is none
 * @returns {Promise<number>} its exit code
 */
export function run(command, args, { env = process.env, quiet = false, input = false } = {}) {
  return new Promise((resolve, reject) => {
    const output = quiet ? 'pipe' : 'inherit';
    // On Windows the tools are .cmd files, which only a shell can start.
    const child = spawn(command, args, {
      cwd: root,
      env,
      shell: windows,
      stdio: [input ? 'inherit' : 'ignore', output, output],
    });
    /** @type {Buffer[]} */
    const chunks = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (/** @type {Buffer} */ chunk) => chunks.push(chunk));
    }
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code !== 0 && quiet) process.stderr.write(Buffer.concat(chunks));
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}

/**
 * Runs a program of the workspace as if it had been started itself: it has our keyboard, and when
 * it is interrupted it puts the terminal in order before we end.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>} its exit code
 */
export async function runProgram(program, args, env = process.env) {
  // Ctrl-C reaches both; the program answers it.
  const wait = () => {};
  process.on('SIGINT', wait);
  try {
    return await run('node', [program, ...args], { env, input: true });
  } finally {
    process.off('SIGINT', wait);
  }
}

/** Whether the running Node is one that the tools accept: `^22.19 || ^24.11 || >=26`. */
function isRecentNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major >= 26 || (major === 24 && minor >= 11) || (major === 22 && minor >= 19);
}

function usesMusl() {
  if (process.platform !== 'linux') return false;
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return report.header.glibcVersionRuntime === undefined;
}

/**
 * @typedef {{ name: string, version: string, bin: string }} Tool an npm package and the folder of
 *   its executables
 */

/** @returns {Tool[]} what this machine needs */
function wantedTools() {
  /** @type {Tool[]} */
  const tools = [];
  const platform = `${process.platform}-${process.arch}`;
  if (!isRecentNode()) {
    // npm has Node's builds for glibc only.
    if (usesMusl()) throw new SetupError(`Node ${process.versions.node} is too old: install ^22.19, ^24.11 or >=26.`);
    const version = readFileSync(join(root, '.node-version'), 'utf8').trim();
    const name = `node-${platform.replace('win32', 'win')}`;
    tools.push({ name, version, bin: join(toolchain, 'node_modules', name, 'bin') });
  }
  const { packageManager } = /** @type {{ packageManager: string }} */ (readJson(join(root, 'package.json')));
  const name = `@pnpm/exe.${platform}${usesMusl() ? '-musl' : ''}`;
  // Its folder, not `.bin`: the stub there needs an install script to have run before it can be
  // executed.
  tools.push({ name, version: packageManager.split('@')[1], bin: join(toolchain, 'node_modules', name) });
  return tools;
}

/** @param {Tool} tool */
function isInstalled({ name, version }) {
  const manifest = join(toolchain, 'node_modules', name, 'package.json');
  return existsSync(manifest) && /** @type {{ version: string }} */ (readJson(manifest)).version === version;
}

/** @param {Tool[]} tools */
async function installTools(tools) {
  const packages = tools.map(({ name, version }) => `${name}@${version}`);
  console.log(`Installing ${packages.join(' and ')} into .toolchain/`);
  const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const args = ['install', '--prefix', toolchain, ...flags, ...packages];
  const code = await run('npm', args, { quiet: true });
  if (code !== 0 || !tools.every(isInstalled)) {
    throw new SetupError(`npm could not install ${packages.join(' and ')} (exit code ${code}).`);
  }
}

/**
 * Makes the tools and the dependencies ready; does next to nothing when they are.
 *
 * @returns {Promise<NodeJS.ProcessEnv>} the environment in which node, pnpm and the repository's
 *   commands are found
 */
export async function prepareToolchain() {
  const tools = wantedTools();
  if (!tools.every(isInstalled)) await installTools(tools);

  /** @type {NodeJS.ProcessEnv} */
  const env = {
    ...process.env,
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    DO_NOT_TRACK: '1',
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1',
    // Part of what turbo knows a build and its tests by.
    RNN_CARGO: describeCargo(),
  };
  const pathKey = Object.keys(env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  env[pathKey] = [...tools.map(({ bin }) => bin), join(root, 'node_modules', '.bin'), env[pathKey]].join(delimiter);
  return env;
}

/**
 * Installs the dependencies that the lockfile names.
 *
 * @param {NodeJS.ProcessEnv} env
 */
export async function installDependencies(env) {
  if (!existsSync(join(root, 'node_modules'))) console.log('Installing the dependencies into node_modules/');
  const code = await run('pnpm', ['install', '--frozen-lockfile'], { env, quiet: true });
  if (code !== 0) throw new SetupError('After a change of a package.json, run: npm run toolchain -- pnpm install');
}
