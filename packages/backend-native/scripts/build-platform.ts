/**
 * Builds the crate for a platform into the package for that platform, as a release needs it:
 * `node scripts/build-platform.ts linux-x64-gnu`. Linux is linked by cargo-zigbuild against the
 * oldest C library that Node 20 runs on; the other systems build on themselves.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cargoCommand, crate } from '../../../tooling/cargo.mjs';

interface Target {
  /** What the compiler for Rust calls it. */
  readonly triple: string;
  /** What cargo-zigbuild links against: the version of glibc, or nothing more to say. */
  readonly zig?: string;
  readonly library: string;
}

const so = 'librnn_native.so';
const dylib = 'librnn_native.dylib';

/** Names as in `platforms/`. */
export const targets: Readonly<Record<string, Target>> = {
  'linux-x64-gnu': { triple: 'x86_64-unknown-linux-gnu', zig: '.2.28', library: so },
  'linux-x64-musl': { triple: 'x86_64-unknown-linux-musl', zig: '', library: so },
  'linux-arm64-gnu': { triple: 'aarch64-unknown-linux-gnu', zig: '.2.28', library: so },
  'linux-arm64-musl': { triple: 'aarch64-unknown-linux-musl', zig: '', library: so },
  'darwin-arm64': { triple: 'aarch64-apple-darwin', library: dylib },
  'darwin-x64': { triple: 'x86_64-apple-darwin', library: dylib },
  'win32-x64-msvc': { triple: 'x86_64-pc-windows-msvc', library: 'rnn_native.dll' },
};

function buildPlatform(name: string): void {
  const target = targets[name];
  if (target === undefined) {
    throw new Error(`There is no platform ${name}; there are ${Object.keys(targets).join(', ')}.`);
  }
  const { triple, zig, library } = target;
  const output = fileURLToPath(new URL('../build/platforms', import.meta.url));
  const args = ['--release', '--locked', '--target', `${triple}${zig ?? ''}`];
  const { status } = spawnSync(cargoCommand() ?? 'cargo', [zig === undefined ? 'build' : 'zigbuild', ...args], {
    cwd: crate,
    // A library that Node loads takes musl from the system, as Node itself does.
    env: {
      ...process.env,
      CARGO_TARGET_DIR: output,
      RUSTFLAGS: name.endsWith('musl') ? '-Ctarget-feature=-crt-static' : '',
    },
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`cargo ended with ${status}`);
  const place = new URL(`../platforms/${name}/rnn-native.node`, import.meta.url);
  copyFileSync(join(output, triple, 'release', library), place);
  console.log(`built platforms/${name}/rnn-native.node`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name] = process.argv.slice(2);
  if (name === undefined) throw new Error(`Name a platform: ${Object.keys(targets).join(', ')}.`);
  buildPlatform(name);
}
