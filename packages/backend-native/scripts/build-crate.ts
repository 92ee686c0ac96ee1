/**
 * Builds the crate into `build/rnn-native.node`, where there is a compiler for Rust; where there is
 * none, writes down why, and tests are then shown as skipped with this reason. Arguments are
 * features of the crate: with `checked` it becomes `build/rnn-native-checked.node`.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cargoCommand, crate, describeCargo } from '../../../tooling/cargo.mjs';

const build: string = fileURLToPath(new URL('../build', import.meta.url));

/** Names of a dynamic library, by the operating system. */
const libraries: Readonly<Record<string, string>> = { win32: 'rnn_native.dll', darwin: 'librnn_native.dylib' };

/**
 * The digest of the crate's sources as they are now: by it a test sees that what it runs was built
 * from what stands there.
 */
export function crateDigest(): string {
  const hash = createHash('sha256');
  for (const path of globSync(['src/**/*.rs', 'Cargo.toml', 'Cargo.lock'], { cwd: crate }).toSorted()) {
    hash.update(`${path}\n`).update(readFileSync(join(crate, path)));
  }
  return hash.digest('hex');
}

function buildCrate(features: readonly string[]): void {
  const file = join(build, `rnn-native${features.map((feature) => `-${feature}`).join('')}.node`);
  const cargo = process.env.RNN_CARGO ?? describeCargo();
  mkdirSync(build, { recursive: true });
  rmSync(`${file}.missing`, { force: true });
  if (cargo.startsWith('none: ')) {
    rmSync(file, { force: true });
    rmSync(`${file}.sources`, { force: true });
    writeFileSync(`${file}.missing`, `@rnn/backend-native is not built: ${cargo.slice('none: '.length)} here`);
    console.log(`backend-native: the crate is not built, since ${cargo.slice('none: '.length)} here`);
  } else {
    const target = join(build, 'target');
    const flags = features.length === 0 ? [] : ['--features', features.join(',')];
    const { status } = spawnSync(cargoCommand() ?? 'cargo', ['build', '--release', '--locked', '--quiet', ...flags], {
      cwd: crate,
      env: { ...process.env, CARGO_TARGET_DIR: target },
      stdio: 'inherit',
    });
    if (status !== 0) throw new Error(`cargo build ended with ${status}`);
    // Under a new name first, its own: a process may have the old file open, and another may build.
    const fresh = `${file}.${process.pid}`;
    copyFileSync(join(target, 'release', libraries[process.platform] ?? 'librnn_native.so'), fresh);
    renameSync(fresh, file);
    writeFileSync(`${file}.sources`, crateDigest());
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildCrate(process.argv.slice(2));
