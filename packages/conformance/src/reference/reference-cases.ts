/**
 * The cases of a directory, or of any other place, in the format that `cases/README.md` describes.
 */
import { FormatError, scope, type Backend } from '@rnn/core';
import { defineCase, type ConformanceCase } from '../case.js';
import type { Checks } from '../checks.js';
import { runRecurrent } from './cells.js';
import { runGallery } from './gallery.js';
import { runLoss } from './losses.js';
import { runModule } from './modules.js';
import { runOperation } from './operations.js';
import { runCell, runLayer } from './recurrent.js';
import { ReferenceFile } from './reference-file.js';
import { runClip, runOptimizer, runSchedule, runTraining } from './training.js';
import { Trial } from './trial.js';

/** Where reference cases come from: a directory, a server, a bundle. */
export interface CaseSource {
  /** The text of `manifest.json`. */
  readonly manifest: string;
  /**
   * The names of all `.safetensors` files, where the place can be listed: a file that the manifest
   * lacks then fails.
   */
  readonly files?: readonly string[];
  /** The bytes of a file, by its name. */
  readonly load: (file: string) => Uint8Array | Promise<Uint8Array>;
}

/** What the manifest says of a case. */
interface Entry {
  readonly name: string;
  readonly group: string;
  /** PyTorch's own float32 error on the case. */
  readonly f32Error: number;
}

/** No reference case is held to less than this. */
const SMALLEST_TOLERANCE = 1e-6;
/** How many times PyTorch's own float32 error a backend may be off. */
const TIMES_F32_ERROR = 4;
const EXTENSION = '.safetensors';

const runners: ReadonlyMap<string, (trial: Trial) => void> = new Map([
  ['cell', runCell],
  ['layer', runLayer],
  ['recurrent', runRecurrent],
  ['gallery', runGallery('required')],
  ['op', runOperation],
  ['nn', runModule],
  ['loss', runLoss],
  ['optim', runOptimizer],
  ['schedule', runSchedule],
  ['clip', runClip],
  ['training', runTraining],
]);

/**
 * The cases that a source holds.
 *
 * @example
 * ```ts
 * const cases = referenceCases(caseDirectory());
 * const report = await runConformance({ factory: cpu, cases, filter: 'gru_cell' });
 * report.failed; // 0
 * ```
 * @param source - the manifest and a way to load files
 * @returns a case for each entry of the manifest, and a failing one for each entry or file that
 *   does not fit
 * @throws FormatError when there is no case at all, or the manifest is not one
 */
export function referenceCases(source: CaseSource): ConformanceCase[] {
  const entries = readManifest(source.manifest);
  const seen = new Set<string>();
  const cases = entries.flatMap((raw, position) => {
    const entry = readEntry(raw, position);
    if ('fault' in entry) return [faultyCase(entry.name, entry.fault)];
    if (seen.has(entry.name)) return [faultyCase(entry.name, 'the manifest lists the case twice')];
    seen.add(entry.name);
    const { group, name } = entry;
    const run = runners.get(group);
    const whole = defineCase(group, name, (checks, { backend }) => runEntry(entry, run, source, checks, backend));
    if (group !== 'gallery') return [whole];
    const eager = runGallery('never');
    return [
      whole,
      defineCase(group, `${name}, step by step`, (checks, { backend }) =>
        runEntry(entry, eager, source, checks, backend),
      ),
    ];
  });
  const strays = (source.files ?? [])
    .filter((file) => !seen.has(file.slice(0, -EXTENSION.length)))
    .map((file) => faultyCase(file, 'the file is not in the manifest'));
  return [...cases, ...strays];
}

function faultyCase(name: string, fault: string): ConformanceCase {
  return defineCase('manifest', name, () => {
    throw new FormatError(`manifest: ${fault}`);
  });
}

function readManifest(text: string): readonly unknown[] {
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (cause) {
    throw new FormatError('manifest.json is not JSON', { cause });
  }
  const cases = (manifest as { cases?: unknown } | null)?.cases;
  if (!Array.isArray(cases)) throw new FormatError("manifest.json has no list 'cases'");
  if (cases.length === 0) throw new FormatError("manifest.json lists no case, expected at least one in 'cases'");
  return cases;
}

function readEntry(raw: unknown, position: number): Entry | { readonly name: string; readonly fault: string } {
  const { name, group, f32_error: f32Error } = (raw ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || !/^[\w.+-]+$/.test(name)) {
    return { name: `cases[${position}]`, fault: `the name ${JSON.stringify(name)} is not that of a file` };
  }
  if (typeof group !== 'string') return { name, fault: "the entry lacks its 'group'" };
  if (typeof f32Error !== 'number' || !(f32Error >= 0) || f32Error === Infinity) {
    return { name, fault: `f32_error is ${JSON.stringify(f32Error)}, expected a number from 0 up` };
  }
  return { name, group, f32Error };
}

async function runEntry(
  entry: Entry,
  run: ((trial: Trial) => void) | undefined,
  source: CaseSource,
  checks: Checks,
  backend: Backend,
): Promise<void> {
  const file = new ReferenceFile(await source.load(entry.name + EXTENSION));
  if (file.group !== entry.group) {
    throw new FormatError(`reference case: the manifest says group '${entry.group}', the file '${file.group}'`);
  }
  if (run === undefined) {
    throw new FormatError(
      `reference case: unknown group '${entry.group}', expected one of ${[...runners.keys()].join(', ')}`,
    );
  }
  const expected = file.expected();
  if (expected.length === 0) throw new FormatError('reference case: the file holds no result to compare');
  const trial = new Trial(file, backend);
  try {
    scope(() => {
      run(trial);
      return trial.results; // what a scope returns stays
    });
    const tolerance = Math.max(TIMES_F32_ERROR * entry.f32Error, SMALLEST_TOLERANCE);
    for (const name of expected) await compare(name, trial, checks, tolerance);
    file.checkUsed();
  } finally {
    trial.dispose();
  }
}

async function compare(name: string, trial: Trial, checks: Checks, tolerance: number): Promise<void> {
  const { shape, data } = trial.file.tensor(name);
  const gradient = name.startsWith('grad.');
  const got = gradient ? trial.gradient(name.slice('grad.'.length)) : trial.results.get(name);
  if (got === undefined && !gradient) throw new FormatError(`reference case: nothing is known to give '${name}'`);
  if (got !== undefined && !checks.shape(name, got.shape, shape)) return;
  const exact = got?.dtype === 'int32';
  const numbers = (await got?.data()) ?? new Float32Array(data.length); // no gradient arrived: it is zero
  checks.close(name, numbers, data, shape, { tolerance: exact ? 0 : tolerance, exact });
}
