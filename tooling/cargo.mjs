// Finds the compiler for Rust, by which @rnn/backend-native is built where there is one. For Node
// >= 18, without dependencies.
import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { root } from './workspace.mjs';

/** The crate of @rnn/backend-native. */
export const crate = join(root, 'packages/backend-native/crate');

/** @returns {string | undefined} what to start cargo by */
export function cargoCommand() {
  return ['cargo', join(homedir(), '.cargo/bin/cargo')].find(
    (cargo) => spawnSync(cargo, ['--version'], { stdio: 'ignore' }).status === 0,
  );
}

/**
 * What the crate can be built with, or `none: ` and why it cannot. turbo keeps what was built by
 * this text, so it is the same as long as the outcome is.
 *
 * @returns {string}
 */
export function describeCargo() {
  const cargo = cargoCommand();
  if (cargo === undefined) return 'none: there is no cargo';
  // Asks no registry for what was fetched before.
  if (
    spawnSync(cargo, ['fetch', '--locked', '--quiet'], { cwd: crate, stdio: 'ignore', timeout: 60_000 }).status !== 0
  ) {
    return 'none: cargo cannot fetch the crates that it needs';
  }
  return spawnSync(cargo, ['--version'], { cwd: crate, encoding: 'utf8' }).stdout.trim();
}
