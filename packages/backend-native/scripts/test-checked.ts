/**
 * Runs this package's tests on the build that looks up every address and length that crosses the
 * border before it uses it: `pnpm run test:checked`.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const { status } = spawnSync('vitest', ['run', '--root', '../..', '--project', 'backend-native'], {
  env: {
    ...process.env,
    RNN_NATIVE_FILE: fileURLToPath(new URL('../build/rnn-native-checked.node', import.meta.url)),
  },
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
process.exitCode = status ?? 1;
