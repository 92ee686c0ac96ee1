/** A report as text, for a terminal, a log or a page. */
import type { BackendInfo } from '@rnn/core';
import type { CaseResult } from './case.js';
import { exceeds, type Measure } from './checks.js';
import type { Report } from './run.js';

/** The cases of one group together. */
export interface GroupSummary {
  readonly group: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** The error that is largest measured by its tolerance. */
  readonly worst: Measure;
}

/** Adds up results by group, in the order in which the groups first come. */
export function summarize(results: readonly CaseResult[]): GroupSummary[] {
  const groups = new Map<string, CaseResult[]>();
  for (const result of results) groups.set(result.group, [...(groups.get(result.group) ?? []), result]);
  return Array.from(groups, ([group, list]) => ({
    group,
    passed: list.filter(({ status }) => status === 'passed').length,
    failed: list.filter(({ status }) => status === 'failed').length,
    skipped: list.filter(({ status }) => status === 'skipped').length,
    worst: worstOf(list),
  }));
}

/** The worst measure; of several without an error, the one with the largest tolerance. */
function worstOf(results: readonly CaseResult[]): Measure {
  let worst: Measure = { error: 0, tolerance: 0 };
  for (const { error, tolerance } of results) {
    const looser = error === 0 && worst.error === 0 && tolerance > worst.tolerance;
    if (looser || exceeds({ error, tolerance }, worst)) worst = { error, tolerance };
  }
  return worst;
}

/**
 * What runs, then a table of the groups, then each failing case with its reason, then why cases were skipped, then the counts.
 *
 * @param report - what `runConformance` gave
 * @returns lines, the last of which is `N passed, N failed, N skipped`
 */
export function formatReport(report: Report): string {
  const { results, info, seed, passed, failed, skipped } = report;
  const lines: string[] = [];
  if (info !== undefined) lines.push(...infoLines(info), '');
  const rows = summarize(results).map(({ group, passed, failed, skipped, worst }) => [
    group,
    String(passed),
    String(failed),
    String(skipped),
    shortNumber(worst.error),
    worst.tolerance === 0 ? 'exact' : shortNumber(worst.tolerance),
  ]);
  lines.push(...table(['group', 'passed', 'failed', 'skipped', 'worst error', 'tolerance'], rows));
  for (const result of results.filter(({ status }) => status === 'failed')) lines.push('', ...failureLines(result));
  const reasons = new Map<string, number>();
  for (const { status, reason = '' } of results) {
    if (status === 'skipped') reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  if (reasons.size > 0) lines.push('');
  for (const [reason, count] of reasons) lines.push(`${count} skipped: ${reason}`);
  if (failed > 0) lines.push('', `Random examples came from seed ${seed}.`);
  lines.push('', `${passed} passed, ${failed} failed, ${skipped} skipped`);
  return lines.join('\n');
}

/** What a backend says of itself. */
function infoLines({ name, device, dtypes, threads, simd, synchronous, bound, notes }: BackendInfo): string[] {
  const lines = [
    `${name}: ${device}; ${dtypes.join(', ')}`,
    `threads ${threads}, simd ${simd}, ${synchronous ? 'reads without waiting' : 'reads with await alone'}`,
    bound === undefined ? 'no declared bound' : `declared bound ${bound.tolerance}: ${bound.reason}`,
  ];
  return [...lines, ...notes.map((note) => `- ${note}`)];
}

/** A failing case in two or three lines. */
function failureLines({ group, name, reason, difference, error, tolerance }: CaseResult): string[] {
  const lines = [`FAILED ${group}: ${name}`, `  ${reason ?? ''}`];
  if (difference !== undefined) lines.push(`  worst error ${shortNumber(error)}, tolerance ${shortNumber(tolerance)}`);
  return lines;
}

function shortNumber(value: number): string {
  if (value === 0) return '0';
  return Number.isFinite(value) ? value.toExponential(1) : String(value);
}

/** Columns side by side: the first to the left, the numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)];
}

/** A report as JSON. Numbers that JSON lacks (NaN, infinities) stand as texts. */
export function reportAsJson(report: Report): string {
  return JSON.stringify(
    { ...report, groups: summarize(report.results) },
    (_, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value),
    2,
  );
}
