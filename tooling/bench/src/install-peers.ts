import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { installed, peersFolder, versionOf } from './libraries/peer.ts';

/** Installs the other libraries, unless just these versions are there. */
export function installPeers(): void {
  const { dependencies } = JSON.parse(readFileSync(`${peersFolder}package.json`, 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const isThere = ([name, version]: [string, string]): boolean =>
    existsSync(`${installed}${name}/package.json`) && versionOf(name) === version;
  if (Object.entries(dependencies).every(isThere)) return;
  console.log('Installing the other libraries');
  // Without scripts and optional parts: none of what is measured needs them, and some of them build
  // native code.
  const flags = [
    '--omit=optional',
    '--ignore-scripts',
    '--no-package-lock',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const { status, error } = spawnSync('npm', ['install', ...flags], {
    cwd: peersFolder,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm install failed in ${peersFolder}`, { cause: error });
}
