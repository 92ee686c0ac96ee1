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

/**
 * Adds up results by group, in the order in which the groups first come.
 *
 * @example
 * ```ts
 * const report = await runConformance({ factory: cpu, cases: primitiveCases(), filter: 'tanh' });
 * for (const { group, passed } of summarize(report.results)) console.log(group, passed);
 * ```
 */
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
 * What runs, then a table of the groups, then the first failing cases with their reasons and the
 * others by kind, then why cases were skipped, what to mend first, and the counts.
 *
 * @example
 * ```ts
 * const report = await runConformance({ factory: cpu, cases: primitiveCases(), filter: 'tanh' });
 * console.log(formatReport(report));
 * ```
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
  const failures = results.filter(({ status }) => status === 'failed');
  for (const result of failures.slice(0, SHOWN)) lines.push('', ...failureLines(result));
  if (failures.length > SHOWN) lines.push('', ...restLines(failures.slice(SHOWN)));
  const reasons = new Map<string, number>();
  for (const { status, reason = '' } of results) {
    if (status === 'skipped') reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  if (reasons.size > 0) lines.push('');
  for (const [reason, count] of reasons) lines.push(`${count} skipped: ${reason}`);
  if (failures.length > 1) lines.push('', 'Mend this first:', ...failureLines(firstToMend(failures)));
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

/** So many failing cases are shown each by itself. */
const SHOWN = 8;
/** So many reasons are told of the others. */
const REASONS = 12;

/**
 * The other failing cases by what is wrong with them, the most frequent first: one fault tends to
 * fail in hundreds of cases.
 */
function restLines(failures: readonly CaseResult[]): string[] {
  const kinds = new Map<string, CaseResult[]>();
  for (const failure of failures) {
    const kind = kindOf(failure);
    kinds.set(kind, [...(kinds.get(kind) ?? []), failure]);
  }
  const ordered = Array.from(kinds.values()).toSorted((a, b) => b.length - a.length);
  const lines = [`${failures.length} more failed; by what was wrong, each with one of its cases:`];
  for (const list of ordered.slice(0, REASONS)) {
    lines.push(`  ${list.length} x ${firstLine(list[0].reason)} (${list[0].group}: ${list[0].name})`);
  }
  if (ordered.length > REASONS) lines.push(`  and ${ordered.length - REASONS} other reasons`);
  return lines;
}

/** A reason without the numbers that differ from case to case. */
function kindOf({ reason = '', difference }: CaseResult): string {
  return difference === undefined ? firstLine(reason).replaceAll(/-?[\d.]+(?:e[-+]?\d+)?/g, '#') : 'a difference';
}

function firstLine(text = ''): string {
  return text.split('\n', 1)[0];
}

/**
 * The failure to look at first. Groups come in the order in which a backend is built, so that the
 * first failure explains later ones. A leak shows in nearly every case; the one that counts
 * storages by itself says most about it.
 */
function firstToMend(failures: readonly CaseResult[]): CaseResult {
  const counts = failures.find(({ group, name }) => group === 'kernel storage' && name.startsWith('memory counts'));
  return counts ?? failures[0];
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

/**
 * A report as JSON. Numbers that JSON lacks (NaN, infinities) stand as texts.
 *
 * @example
 * ```ts
 * const report = await runConformance({ factory: cpu, cases: primitiveCases(), filter: 'tanh' });
 * JSON.parse(reportAsJson(report)).failed; // 0
 * ```
 */
export function reportAsJson(report: Report): string {
  return JSON.stringify(
    { ...report, groups: summarize(report.results) },
    (_, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value),
    2,
  );
}
