// Finds the Chromium that the browser tests drive; on Debian and Ubuntu, as root, installs it.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run, SetupError } from './toolchain.mjs';

const usualPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** @param {string} command */
const isOnPath = (command) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)));

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string>} the path of the executable
 */
export async function findChromium(env) {
  if (env.CHROMIUM_PATH) {
    if (existsSync(env.CHROMIUM_PATH)) return env.CHROMIUM_PATH;
    throw new SetupError(`CHROMIUM_PATH is ${env.CHROMIUM_PATH}, but there is no such file.`);
  }
  const find = () => usualPlaces.find((path) => existsSync(path));
  if (!find() && isOnPath('apt-get') && process.getuid?.() === 0) {
    console.log('Installing Chromium with apt-get');
    const aptEnv = { ...env, DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['update'], { env: aptEnv, quiet: true });
    await run('apt-get', ['install', '--yes', '--no-install-recommends', 'chromium'], { env: aptEnv, quiet: true });
  }
  const found = find();
  if (found) return found;
  throw new SetupError(
    'The browser tests need Chromium or Chrome: install one, or set CHROMIUM_PATH to its executable.',
  );
}
