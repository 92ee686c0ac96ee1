// Breaks each part of the compiler in turn and asks whether tests notice: npm run mutate [--
// PART...]
//
// A compiler that fails in silence is the worst kind, since single operations give the right
// numbers too. So each mutation makes one part throw, and the tests of core, nn, train and
// conformance must all go red. Files are changed in place and put back; one with changes that
// are not committed is left alone.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const folder = 'packages/core/src/compiler';
/** The tests of each package; of the suite its run on one backend, which needs no build. */
const projects = { core: [], nn: [], train: [], conformance: ['test/cpu.test.ts'] };

/** Each part: a file, and the line behind which it breaks. */
const parts = {
  recorder: [`${folder}/trace/recorder.ts`, "  binary(...args: Args<'binary'>): Storage {"],
  'autograd graph': [`${folder}/trace/record-step.ts`, '  const endOf = new Map<GradNode<Tensor>, number>();'],
  'other sizes': [`${folder}/cache/program-cache.ts`, '  let cause: unknown;'],
  graph: [`${folder}/trace/traced-step.ts`, '  const tracer = new Tracer(graph, rows, backend);'],
  derivative: [`${folder}/lower/passes.ts`, '  const { cotangents, carried, inputs, states, captured } = derivative;'],
  lowering: [`${folder}/lower/lower.ts`, '  const { given, carried, next, rows, reduced } = task;'],
  binding: [`${folder}/run/executable.ts`, '    const places = new Map<Value, number>();'],
  backward: [`${folder}/run/backward.ts`, '  const { inputs, states, ends, kept, made } = saved;'],
  'the backend’s compile': ['packages/backend-cpu/src/compile.ts', '  constructor(program: Program, memory: Memory) {'],
};

/**
 * Runs tests until one fails.
 *
 * @param {string[]} which
 * @returns {Promise<{ status: number | null, output: string }>}
 */
function tests(which) {
  return new Promise((resolve, reject) => {
    const child = spawn('vitest', ['run', '--bail', '1', '--testTimeout', '120000', ...which]);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (/** @type {string} */ text) => (output += text));
    }
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}

const { positionals } = parseArgs({ allowPositionals: true });
const unknown = positionals.filter((name) => !(name in parts));
if (unknown.length > 0) {
  console.error(`mutate: there is no part '${unknown.join("', '")}'; the parts are ${Object.keys(parts).join(', ')}`);
  process.exit(1);
}
const chosen = Object.entries(parts).filter(([name]) => positionals.length === 0 || positionals.includes(name));
let missed = 0;
for (const [name, [file, anchor]] of chosen) {
  const before = readFileSync(file, 'utf8');
  if (before.split(anchor).length !== 2) {
    console.error(
      `mutate: ${file} has no single line '${anchor}', behind which '${name}' breaks; mend tooling/mutations.mjs`,
    );
    process.exitCode = 1;
    continue;
  }
  if (execFileSync('git', ['status', '--porcelain', '--', file], { encoding: 'utf8' }) !== '') {
    console.error(`mutate: ${file} has changes that are not committed; commit them first`);
    process.exitCode = 1;
    continue;
  }
  const restore = () => writeFileSync(file, before);
  const stop = () => {
    restore();
    process.exit(130);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    writeFileSync(
      file,
      before.replace(anchor, `${anchor}\n  if (Date.now() > 0) throw new TypeError('mutation: ${name}');`),
    );
    for (const [project, files] of Object.entries(projects)) {
      const { status, output } = await tests(['--project', project, ...files]);
      // Red for this reason and no other.
      const isRed = status !== 0 && output.includes(`mutation: ${name}`);
      if (!isRed) missed++;
      const verdict = isRed
        ? 'red'
        : status === 0
          ? 'GREEN: nobody noticed'
          : 'red for another reason: mend that first';
      console.log(`${name.padEnd(24)} ${project.padEnd(12)} ${verdict}`);
    }
  } finally {
    restore();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}
const count = chosen.length * Object.keys(projects).length;
console.log(`\n${count - missed} of ${count} noticed`);
if (missed > 0) process.exitCode = 1;
