// Sizes and times of this checkout beside those of where it left main:
// npm run compare [-- COMMIT] [ROUNDS]
//
// The other commit is cloned and built; both checkouts' bundles are measured, and processes with
// the packages of one and of the other run in turn, so that what else the machine does meets both.
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const root = join(import.meta.dirname, '../../../..');
const [reference = 'main', rounds = '5'] = process.argv.slice(2);

function output(command: string, args: readonly string[], cwd: string): string {
  const path = `${join(cwd, 'node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}`;
  return execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  });
}

/** Bytes of each bundle that has a limit. */
function sizes(checkout: string): Map<string, number> {
  const folder = join(checkout, 'tooling/package-checks');
  // It fails where a limit is passed, which is for `npm test` to say.
  const text = output('sh', ['-c', 'size-limit --json --silent 2>/dev/null || true'], folder);
  const rows = JSON.parse(text) as { readonly name: string; readonly size: number }[];
  return new Map(rows.map(({ name, size }) => [name, size]));
}

/** The least times of several processes, in turn with those of the other checkout. */
function times(checkouts: readonly string[]): Map<string, number>[] {
  const least = checkouts.map(() => new Map<string, number>());
  for (let round = 0; round < Number(rounds); round++) {
    for (const [i, checkout] of checkouts.entries()) {
      const text = output(process.execPath, [join(import.meta.dirname, 'probe.ts'), checkout], root);
      for (const [name, time] of Object.entries(JSON.parse(text) as Record<string, number>))
        least[i].set(name, Math.min(time, least[i].get(name) ?? Infinity));
    }
  }
  return least;
}

/** A table of what both have, in Markdown. */
function table(
  title: string,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  show: (value: number) => string,
): string {
  const cell = (value: number | undefined): string => (value === undefined ? '' : show(value));
  const rows = [...new Set([...before.keys(), ...after.keys()])].map((name) => {
    const [old, now] = [before.get(name), after.get(name)];
    const ratio = old === undefined || now === undefined ? '' : (now / old).toFixed(2);
    return `| ${name} | ${cell(old)} | ${cell(now)} | ${ratio} |`;
  });
  return [`| ${title} | before | now | ratio |`, '| --- | ---: | ---: | ---: |', ...rows].join('\n');
}

const folder = mkdtempSync(join(tmpdir(), 'rnn-compare-'));
try {
  const commit = output('git', ['merge-base', 'HEAD', reference], root).trim();
  const other = join(folder, 'other');
  console.log(`Building ${commit.slice(0, 9)}, where this left ${reference}`);
  output('git', ['clone', '--quiet', '--no-checkout', root, other], root);
  output('git', ['checkout', '--quiet', '--detach', commit], other);
  output('pnpm', ['install', '--frozen-lockfile', '--prefer-offline'], other);
  output('turbo', ['run', 'build', '--filter=./packages/*', '--output-logs=errors-only'], other);
  const kilobytes = table('kB, gzip', sizes(other), sizes(root), (bytes) => (bytes / 1000).toFixed(1));
  const [before, after] = times([other, root]);
  const milliseconds = table(`ms, the least of ${rounds} processes`, before, after, (time) => time.toPrecision(3));
  const report = `Against ${commit.slice(0, 9)}:\n\n${kilobytes}\n\n${milliseconds}\n`;
  console.log(report);
  const summary = process.env.GITHUB_STEP_SUMMARY;
  if (summary !== undefined) appendFileSync(summary, report);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
