/** The crate's own tests, where there is a compiler for Rust. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { cargoCommand, crate } from '../../../tooling/cargo.mjs';
import { built } from './built.js';

built('the crate', () => {
  test('passes its own tests', { timeout: 300_000 }, () => {
    const { status, stdout, stderr } = spawnSync(cargoCommand() ?? 'cargo', ['test', '--locked', '--lib'], {
      cwd: crate,
      env: {
        ...process.env,
        CARGO_TARGET_DIR: fileURLToPath(new URL('../build/target', import.meta.url)),
        CARGO_TERM_COLOR: 'never',
      },
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/test result: ok[.] [1-9]\d* passed; 0 failed; 0 ignored/);
  });
});
