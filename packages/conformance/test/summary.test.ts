import { formatReport, reportAsJson, summarize, type CaseResult, type Report } from '@rnn/conformance';
import { expect, test } from 'vitest';

const result = (
  group: string,
  name: string,
  status: CaseResult['status'],
  more: Partial<CaseResult> = {},
): CaseResult => ({
  group,
  name,
  status,
  error: 0,
  tolerance: 0,
  ...more,
});

const results: readonly CaseResult[] = [
  result('op', 'tanh', 'passed', { error: 2e-7, tolerance: 1e-6 }),
  result('op', 'loose', 'passed', { error: 3e-7, tolerance: 1e-5 }),
  result('op', 'wrong', 'failed', {
    error: Infinity,
    tolerance: 1e-6,
    difference: { what: 'out', index: [1, 0], got: NaN, expected: 0.5 },
    reason: 'out[1, 0] is NaN, expected 0.5',
  }),
  result('memory', 'flat', 'passed'),
  result('kernel', 'tanh float64', 'skipped', { reason: 'abacus does not declare float64' }),
  result('kernel', 'exp float64', 'skipped', { reason: 'abacus does not declare float64' }),
];

const report: Report = {
  info: {
    name: 'abacus',
    device: 'wood',
    dtypes: ['float32', 'int32'],
    threads: 1,
    simd: 'none',
    synchronous: true,
    notes: ['the beads were counted', 'one row is used'],
  },
  seed: 7,
  runs: 40,
  results,
  passed: 3,
  failed: 1,
  skipped: 2,
};

test('groups come in order, each with the error that is largest by its own tolerance', () => {
  expect(summarize(results.filter(({ status }) => status !== 'failed'))).toEqual([
    { group: 'op', passed: 2, failed: 0, skipped: 0, worst: { error: 2e-7, tolerance: 1e-6 } },
    { group: 'memory', passed: 1, failed: 0, skipped: 0, worst: { error: 0, tolerance: 0 } },
    { group: 'kernel', passed: 0, failed: 0, skipped: 2, worst: { error: 0, tolerance: 0 } },
  ]);
});

test('a report in text', () => {
  expect(formatReport(report)).toBe(
    [
      'abacus: wood; float32, int32',
      'threads 1, simd none, reads without waiting',
      'no declared bound',
      '- the beads were counted',
      '- one row is used',
      '',
      'group   passed  failed  skipped  worst error  tolerance',
      '------  ------  ------  -------  -----------  ---------',
      'op           2       1        0     Infinity     1.0e-6',
      'memory       1       0        0            0      exact',
      'kernel       0       0        2            0      exact',
      '',
      'FAILED op: wrong',
      '  out[1, 0] is NaN, expected 0.5',
      '  worst error Infinity, tolerance 1.0e-6',
      '',
      '2 skipped: abacus does not declare float64',
      '',
      'Random examples came from seed 7.',
      '',
      '3 passed, 1 failed, 2 skipped',
    ].join('\n'),
  );
});

test('a report names the declared bound and its reason', () => {
  const info = { ...(report.info as NonNullable<Report['info']>), synchronous: false, notes: [] };
  const text = formatReport({
    ...report,
    info: { ...info, bound: { tolerance: 1e-4, reason: 'the beads are coarse' } },
  });
  expect(text.split('\n').slice(1, 4)).toEqual([
    'threads 1, simd none, reads with await alone',
    'declared bound 0.0001: the beads are coarse',
    '',
  ]);
});

test('a report as JSON keeps NaN and infinities as texts', () => {
  const parsed = JSON.parse(reportAsJson(report)) as Report;
  expect(parsed.results[2]).toMatchObject({
    error: 'Infinity',
    difference: { index: [1, 0], got: 'NaN', expected: 0.5 },
  });
  expect(parsed).toMatchObject({ passed: 3, failed: 1, skipped: 2, seed: 7, info: { name: 'abacus' } });
});

test('of hundreds of failures a few are shown, the others by kind, and what to mend first', () => {
  const leaks = Array.from({ length: 300 }, (_, i) =>
    result('op', `op ${i}`, 'failed', { reason: `${i} storages were left behind on the backend` }),
  );
  const count = result('kernel storage', 'memory counts storages and bytes', 'failed', {
    reason: 'after the first release memory() is 3 storages',
  });
  const text = formatReport({ ...report, results: [...leaks, count], failed: 301 });
  expect(text.split('\n').length).toBeLessThan(60);
  expect(text).toContain('293 more failed; by what was wrong, each with one of its cases:');
  expect(text).toContain('  292 x 8 storages were left behind on the backend (op: op 8)');
  expect(text).toContain(
    'Mend this first:\nFAILED kernel storage: memory counts storages and bytes\n  after the first release memory() is 3',
  );
});
