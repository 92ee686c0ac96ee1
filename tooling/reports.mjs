// What a run of the checks leaves behind: the JSON reports of each package's tests in
// test-results/, and turbo's summary of its tasks.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { nameOf, packageFolders, readJson, root } from './workspace.mjs';

/**
 * The part of vitest's JSON report that is read here.
 *
 * @typedef {object} TestResult
 * @property {string} status
 * @property {string} fullName
 * @property {string[]} failureMessages
 * @property {{ line: number, column: number } | undefined} [location]
 * @property {{ skipped?: string }} [meta]
 *
 * @typedef {object} FileResult
 * @property {string} name
 * @property {string} status
 * @property {string} [message]
 * @property {TestResult[]} assertionResults
 *
 * @typedef {object} Report
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {FileResult[]} testResults one entry for each file
 */

/**
 * The part of turbo's summary that is read here.
 *
 * @typedef {{ taskId: string, package?: string, task: string, logFile?: string, execution?: {
 *   exitCode: number | null } }} Task
 */

/**
 * @typedef {{ passed: number, failed: number, skipped: number, lines: string[] }} Outcome counts,
 *   and what to say of failures and skips
 */

const reportFolders = () => packageFolders().map((folder) => join(folder, 'test-results'));
const runs = join(root, '.turbo/runs');

/**
 * Removes what the last run left, so that no old number is counted; turbo restores the reports of
 * cached tests.
 */
export function removeReports() {
  for (const folder of [...reportFolders(), runs]) rmSync(folder, { recursive: true, force: true });
}

/** @returns {{ folder: string, report: Report }[]} */
function reports() {
  return reportFolders()
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.endsWith('.json'))
        .map((name) => ({ folder, report: /** @type {Report} */ (readJson(join(folder, name))) })),
    );
}

/** @returns {Task[]} the tasks that failed in any of the runs since the reports were removed */
function failedTasks() {
  if (!existsSync(runs)) return [];
  const tasks = readdirSync(runs)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => /** @type {{ tasks: Task[] }} */ (readJson(join(runs, name))).tasks);
  return tasks.filter(({ execution }) => execution !== undefined && execution.exitCode !== 0);
}

/**
 * Where a failed test stands: the line of its file at which it broke, else the one where it begins.
 *
 * @param {string} file
 * @param {TestResult} test
 */
function placeOf(file, { failureMessages, location }) {
  const path = relative(root, file);
  for (const message of failureMessages) {
    const at = message.indexOf(`${file}:`);
    const line = at < 0 ? undefined : /^\d+/.exec(message.slice(at + file.length + 1))?.[0];
    if (line !== undefined) return `${path}:${line}`;
  }
  return location === undefined ? path : `${path}:${location.line}`;
}

/** @param {string} text */
const firstLine = (text) => text.trim().split('\n', 1)[0];

/**
 * A line for each failure of a file. A file that fails without a failing test could not be loaded,
 * or its hooks failed: that counts as one.
 *
 * @param {FileResult} file
 * @returns {string[]}
 */
function failuresIn({ name, status, message = '', assertionResults }) {
  const failed = assertionResults.filter((test) => test.status === 'failed');
  if (failed.length === 0 && status === 'failed') {
    return [`FAILED ${relative(root, name)}  outside of its tests: ${firstLine(message)}`];
  }
  return failed.map((test) => {
    const [reason = ''] = test.failureMessages;
    return `FAILED ${placeOf(name, test)}  ${test.fullName}\n       ${firstLine(reason)}`;
  });
}

/**
 * Adds up tests and other checks. A check that fails (lint, types, a build) counts as one failure,
 * and so do tests that end without a report.
 *
 * @returns {Outcome}
 */
export function outcome() {
  const total = { passed: 0, failed: 0, skipped: 0 };
  /** @type {string[]} */
  const lines = [];
  /** @type {Set<string>} */
  const reported = new Set();
  /** @type {Map<string, number>} */
  const skips = new Map();
  for (const { folder, report } of reports()) {
    const failures = report.testResults.flatMap(failuresIn);
    if (failures.length > 0) reported.add(folder);
    lines.push(...failures);
    total.passed += report.numPassedTests;
    total.failed += failures.length;
    total.skipped += report.numPendingTests + report.numTodoTests;
    for (const { name, assertionResults } of report.testResults) {
      for (const test of assertionResults) {
        if (!['pending', 'skipped', 'todo'].includes(test.status)) continue;
        const reason = test.meta?.skipped;
        if (reason !== undefined) skips.set(reason, (skips.get(reason) ?? 0) + 1);
        else {
          total.failed++;
          lines.push(`FAILED ${placeOf(name, test)}  ${test.fullName}\n       skipped without a reason`);
        }
      }
    }
  }
  for (const { taskId, package: name, task, logFile } of failedTasks()) {
    const folder = packageFolders().find((each) => taskId.startsWith(`${nameOf(each)}#`));
    const isTold = task.startsWith('test') && folder !== undefined && reported.has(join(folder, 'test-results'));
    if (isTold) continue;
    total.failed++;
    lines.push(
      `FAILED ${name === undefined || name === '//' ? '' : `${name} `}${task}: see ${logFile ?? 'its output above'}`,
    );
  }
  for (const [reason, count] of skips) lines.push(`${count} skipped: ${reason}`);
  return { ...total, lines };
}
