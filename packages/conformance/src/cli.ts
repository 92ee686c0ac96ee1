#!/usr/bin/env node
import { writeFileSync } from 'node:fs';
import { clearLine, cursorTo } from 'node:readline';
import { Command, InvalidArgumentError } from 'commander';
import { loadFactory } from './backend-module.js';
import { builtInDirectory, caseDirectory } from './case-directory.js';
import { describeError, type ConformanceCase } from './case.js';
import { primitiveCases } from './cases.js';
import { referenceCases } from './reference/reference-cases.js';
import { defaultRuns, defaultSeed, filtered, runConformance, type Progress } from './run.js';
import { formatReport, reportAsJson } from './summary.js';
import { swapCases } from './swap/swap-cases.js';

interface Arguments {
  readonly backend: string;
  readonly options: Record<string, unknown>;
  readonly cases?: string;
  readonly swap?: string;
  readonly filter: string;
  readonly json?: string;
  readonly seed: number;
  readonly runs: number;
  readonly bail: boolean;
}

function parseOptions(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidArgumentError('It is not JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError('Expected a JSON object.');
  }
  return value as Record<string, unknown>;
}

function parseWhole(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`Expected a whole number from ${least} up.`);
    }
    return value;
  };
}

const command = new Command('rnn-conformance')
  .description('Runs the conformance suite of @rnn on a backend and exits with 1 if a case fails.')
  .requiredOption(
    '--backend <module>',
    'a package (@rnn/backend-cpu) or a file (./abacus.ts); its factory is the export of the short name (cpu, abacus) or the default export',
  )
  .option('--options <json>', 'what the factory gets, as in \'{"threads":2}\'', parseOptions, {})
  .option('--cases <directory>', 'run the reference cases of this directory, and nothing else')
  .option('--swap <module>', 'move trainings to this backend and back, too')
  .option('--filter <text>', 'run only cases whose group and name contain this text', '')
  .option('--json <file>', 'write the whole report to a file')
  .option('--seed <number>', 'where random examples start from', parseWhole(0), defaultSeed)
  .option('--runs <number>', 'random examples of each property', parseWhole(1), defaultRuns)
  .option('--bail', 'end after the first case that fails', false)
  .addHelpText(
    'after',
    '\nThe first failing cases show what differs, all are in the report of --json; the last line is "N passed, N failed, N skipped".',
  );

/** One line that rewrites itself on a terminal; in a pipe a line now and then. */
function showProgress({ done, total, result }: Progress): void {
  if (process.stdout.isTTY) {
    clearLine(process.stdout, 0);
    cursorTo(process.stdout, 0);
    if (done < total)
      process.stdout.write(`${done}/${total} ${result.group}: ${result.name}`.slice(0, process.stdout.columns - 1));
  } else if (done % 100 === 0 || done === total) console.log(`${done}/${total} cases`);
}

/** The cases that the arguments ask for. */
async function casesOf({ cases: directory, swap }: Arguments): Promise<ConformanceCase[]> {
  const reference = referenceCases(caseDirectory(directory ?? builtInDirectory));
  if (directory !== undefined) return reference;
  const other = swap === undefined ? undefined : await loadFactory(swap, process.cwd());
  return [...primitiveCases(), ...reference, ...(other === undefined ? [] : swapCases(() => other({})))];
}

async function main(argv: readonly string[]): Promise<boolean> {
  const given = command.parse(argv).opts<Arguments>();
  const { backend, options, filter, json, seed, runs, bail } = given;
  const make = await loadFactory(backend, process.cwd());
  const chosen = filtered(await casesOf(given), filter);
  if (chosen.length === 0) throw new Error(`--filter ${filter}: no case has this text in its group and name`);
  const report = await runConformance({
    factory: () => make(options),
    cases: chosen,
    seed,
    runs,
    bail,
    onProgress: showProgress,
  });
  if (json !== undefined) writeFileSync(json, `${reportAsJson(report)}\n`);
  console.log(`\n${formatReport(report)}`);
  return report.failed === 0;
}

try {
  if (!(await main(process.argv))) process.exitCode = 1;
} catch (error) {
  console.error(`rnn-conformance: ${describeError(error)}`);
  process.exitCode = 1;
}
