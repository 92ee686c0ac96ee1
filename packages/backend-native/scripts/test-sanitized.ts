/**
 * Runs the crate's tests and this package's, the conformance suite among them, on a build that
 * AddressSanitizer watches: `pnpm run test:sanitized`, on Linux with `gcc`.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cargoCommand, crate } from '../../../tooling/cargo.mjs';

const build: string = fileURLToPath(new URL('../build', import.meta.url));
const file: string = join(build, 'rnn-native-sanitized.node');
const triple: string = process.arch === 'arm64' ? 'aarch64-unknown-linux-gnu' : 'x86_64-unknown-linux-gnu';
const target: string = join(build, 'target-sanitized');

function run(command: string, args: readonly string[], options: { cwd?: string; env: NodeJS.ProcessEnv }): void {
  const { status, error } = spawnSync(command, args, { ...options, stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args[0]} ended with ${status}`);
}

// The stable compiler has the sanitizer, behind a flag that it keeps for nightly ones.
const cargo = {
  cwd: crate,
  env: { ...process.env, RUSTC_BOOTSTRAP: '1', RUSTFLAGS: '-Zsanitizer=address', CARGO_TARGET_DIR: target },
};
const flags = ['--locked', '--features', 'exact', '--target', triple];
run(cargoCommand() ?? 'cargo', ['test', '--lib', ...flags], cargo);
run(cargoCommand() ?? 'cargo', ['build', '--release', ...flags], cargo);
copyFileSync(join(target, triple, 'release', 'librnn_native.so'), file);

// Node itself is not watched, so what watches is loaded before it.
const { stdout } = spawnSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' });
run('vitest', ['run', '--root', '../..', '--project', 'backend-native', 'native.test', 'conformance', 'processes'], {
  env: {
    ...process.env,
    LD_PRELOAD: stdout.trim(),
    // V8 keeps what it allocates until the end.
    ASAN_OPTIONS: 'detect_leaks=0',
    RNN_NATIVE_FILE: file,
  },
});
