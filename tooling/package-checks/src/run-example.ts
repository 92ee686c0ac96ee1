// Runs an example in full, with the packages as they would be published: npm run example -- NAME
// [ARGUMENTS]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exampleProjects, layOut } from './examples.ts';

const [name, ...args] = process.argv.slice(2);
const projects = exampleProjects();
const project = projects.find((each) => each.name === name);
if (project === undefined) {
  console.error(`There is no example ${name ?? ''}; there are ${projects.map((each) => each.name).join(', ')}.`);
  process.exitCode = 1;
} else {
  const folder = mkdtempSync(join(tmpdir(), 'rnn-example-'));
  try {
    console.log('Packing and installing the packages');
    const cwd = (await layOut(folder))(project);
    const start = project.manifest.scripts?.start ?? '';
    // Arguments are for its first command: of `train.ts && server.ts`, for the training.
    const [first, ...rest] = start.split(' && ');
    for (const command of [[first, ...args].join(' '), ...rest]) {
      const script = command.replace(/^vite\b/, `node ${join(folder, 'node_modules/vite/bin/vite.js')}`);
      const { status } = spawnSync(script, { cwd, shell: true, stdio: 'inherit' });
      process.exitCode = status ?? 1;
      if (status !== 0) break;
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
