// The JSON reports that each package's tests leave in test-results/.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolders, readJson, root } from './workspace.mjs';

/**
 * The part of vitest's JSON report that is read here.
 *
 * @typedef {object} Report
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {{ status: string, assertionResults: { status: string }[] }[]} testResults one entry for each file
 */

/** The browser tests of all packages run as one and report at the top. */
const reportFolders = () => [root, ...packageFolders()].map((folder) => join(folder, 'test-results'));

/**
 * A file that fails without a failing test could not be loaded, or its hooks failed: that counts as one failure.
 *
 * @param {Report['testResults'][number]} file
 */
const brokeOutsideTests = ({ status, assertionResults }) =>
  status === 'failed' && !assertionResults.some((test) => test.status === 'failed');

/** Removes the last run's reports, so that no old number is counted; turbo restores those of cached runs. */
export function removeReports() {
  for (const folder of reportFolders()) rmSync(folder, { recursive: true, force: true });
}

/** @returns {{ passed: number, failed: number, skipped: number }} the tests of all reports added up */
export function totals() {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const folder of reportFolders()) {
    const file = join(folder, 'vitest.json');
    if (!existsSync(file)) continue;
    const report = /** @type {Report} */ (readJson(file));
    total.passed += report.numPassedTests;
    total.failed += report.numFailedTests + report.testResults.filter(brokeOutsideTests).length;
    total.skipped += report.numPendingTests + report.numTodoTests;
  }
  return total;
}
