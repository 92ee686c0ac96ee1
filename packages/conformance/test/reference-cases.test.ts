import { cpu } from '@rnn/backend-cpu';
import { FormatError } from '@rnn/core';
import { referenceCases, runConformance, type CaseResult, type CaseSource } from '@rnn/conformance';
import { describe, expect, test } from 'vitest';
import { caseBytes } from './safetensors-bytes.js';

type Tensors = Parameters<typeof caseBytes>[2];

/** A source of one case, with a manifest that belongs to it unless given. */
function sourceOf(group: string, config: unknown, tensors: Tensors, entry: object = {}): CaseSource {
  const manifest = JSON.stringify({ cases: [{ name: 'it', group, config, f32_error: 1e-7, ...entry }] });
  return { manifest, files: ['it.safetensors'], load: () => caseBytes(group, config, tensors) };
}

async function resultsOf(source: CaseSource): Promise<readonly CaseResult[]> {
  return (await runConformance({ factory: cpu, cases: referenceCases(source) })).results;
}

async function resultOf(...args: Parameters<typeof sourceOf>): Promise<CaseResult> {
  const results = await resultsOf(sourceOf(...args));
  expect(results).toHaveLength(1);
  return results[0];
}

const tanh: Tensors = {
  x: [[2], [0.5, -1]],
  out: [[2], [Math.tanh(0.5), Math.tanh(-1)]],
  loss_weight: [[2], [1, 2]],
  'grad.x': [[2], [1 - Math.tanh(0.5) ** 2, 2 * (1 - Math.tanh(1) ** 2)]],
};

describe('a reference case', () => {
  test('passes, result and gradient, and tells its worst error and tolerance', async () => {
    const result = await resultOf('op', { op: 'tanh' }, tanh);
    expect(result).toMatchObject({ status: 'passed', tolerance: 1e-6 });
    expect(result.error).toBeLessThan(1e-6);
  });

  test('fails with the first differing element of a result', async () => {
    const wrong = { ...tanh, out: [[2], [Math.tanh(0.5), 0.25]] } as const;
    const { status, difference, error } = await resultOf('op', { op: 'tanh' }, wrong);
    expect(status).toBe('failed');
    expect(difference).toMatchObject({ what: 'out', index: [1], got: Math.fround(Math.tanh(-1)), expected: 0.25 });
    expect(error).toBeCloseTo(Math.abs(Math.tanh(-1) - 0.25), 6);
  });

  test('fails on a gradient alone', async () => {
    const wrong = { ...tanh, 'grad.x': [[2], [1 - Math.tanh(0.5) ** 2, 0]] } as const;
    expect(await resultOf('op', { op: 'tanh' }, wrong)).toMatchObject({
      status: 'failed',
      difference: { what: 'grad.x', index: [1] },
    });
  });

  test('takes four times the float32 error of the manifest as its tolerance', async () => {
    const off = { ...tanh, out: [[2], [Math.tanh(0.5), Math.tanh(-1) + 3e-4]] } as const;
    expect(await resultOf('op', { op: 'tanh' }, off, { f32_error: 1e-4 })).toMatchObject({
      status: 'passed',
      tolerance: 4e-4,
    });
    expect(await resultOf('op', { op: 'tanh' }, off, { f32_error: 5e-5 })).toMatchObject({
      status: 'failed',
      tolerance: 2e-4,
    });
  });

  test('holds NaN equal to NaN and infinities to themselves alone', async () => {
    const special = { x: [[3], [NaN, Infinity, -Infinity]], out: [[3], [NaN, Infinity, -Infinity]] } as const;
    expect(await resultOf('op', { op: 'neg' }, special)).toMatchObject({
      status: 'failed',
      difference: { index: [1], got: -Infinity },
    });
    const right = { ...special, out: [[3], [NaN, -Infinity, Infinity]] } as const;
    expect(await resultOf('op', { op: 'neg' }, right)).toMatchObject({ status: 'passed' });
  });

  const failures: readonly (readonly [
    name: string,
    group: string,
    config: object,
    tensors: Tensors,
    reason: RegExp,
  ])[] = [
    ['an unknown operation', 'op', { op: 'erf' }, tanh, /unknown op 'erf', expected one of neg, exp/],
    [
      'an unknown kind',
      'cell',
      { kind: 'mgu', input_size: 1, hidden_size: 1, steps: 1, B: null },
      { input: [[1, 1], [0]], 'out.h': [[1, 1], [0]] },
      /unknown kind 'mgu'/,
    ],
    ['an unknown module', 'nn', { module: 'Bilinear' }, tanh, /unknown module 'Bilinear'/],
    [
      'an unknown loss',
      'loss',
      { loss: 'hinge' },
      { x: [[1], [1]], target: [[1], [1]], out: [[], [0]] },
      /unknown loss 'hinge'/,
    ],
    [
      'an unknown optimiser',
      'optim',
      { optimizer: 'Lion' },
      { 'param0.a': [[1], [1]], 'grads.a': [[1, 1], [1]], 'out.a': [[1, 1], [1]] },
      /unknown optimizer 'Lion'/,
    ],
    [
      'an unknown schedule',
      'schedule',
      { scheduler: 'PolyLR', base_lr: 1 },
      { 'out.lr': [[1], [1]] },
      /unknown scheduler 'PolyLR'/,
    ],
    ['an unknown group', 'audio', { op: 'tanh' }, tanh, /unknown group 'audio'/],
    ['an option that nothing reads', 'op', { op: 'tanh', approximate: true }, tanh, /unknown option 'approximate'/],
    [
      'an option that an optimiser does not have',
      'optim',
      { optimizer: 'SGD', lr: 1, rho: 1 },
      { 'param0.a': [[1], [1]], 'grads.a': [[1, 1], [1]], 'out.a': [[1, 1], [0]] },
      /rho/,
    ],
    [
      'a tensor that nothing uses',
      'op',
      { op: 'tanh' },
      { ...tanh, y: [[1], [1]] },
      /nothing is known to do with tensor 'y'/,
    ],
    ['a missing input', 'op', { op: 'add' }, { a: [[1], [1]], out: [[1], [1]] }, /tensor 'b' is missing/],
    [
      'a result that nothing gives',
      'op',
      { op: 'tanh' },
      { ...tanh, 'out.extra': [[1], [1]] },
      /nothing is known to give 'out.extra'/,
    ],
    ['no result at all', 'op', { op: 'tanh' }, { x: [[1], [1]] }, /no result to compare/],
    [
      'a result of another shape',
      'op',
      { op: 'tanh' },
      {
        x: [[2], [0, 0]],
        out: [
          [2, 1],
          [0, 0],
        ],
      },
      /out has shape \[2\], expected \[2, 1\]/,
    ],
    ['an option of the wrong type', 'op', { op: 'softmax', dim: 'last' }, tanh, /'dim' is "last", expected a number/],
  ];

  test.each(failures)('fails, and is not skipped, for %s', async (_, group, config, tensors, reason) => {
    const result = await resultOf(group, config, tensors);
    expect(result.status).toBe('failed');
    expect(result.reason).toMatch(reason);
  });

  test('fails when sizes in the config contradict the tensors', async () => {
    const tensors: Tensors = {
      input: [[1, 1, 1], [0]],
      'param.weight_ih_l0': [[1, 1], [0]],
      'param.weight_hh_l0': [[1, 1], [0]],
      'out.output': [[1, 1, 1], [0]],
    };
    const config = { kind: 'rnn', input_size: 1, hidden_size: 1, T: 2, B: 1, bias: false };
    const { status, reason } = await resultOf('layer', config, tensors);
    expect([status, reason]).toEqual([
      'failed',
      expect.stringMatching(/'input' has shape \[1, 1, 1\], but config says \[2, 1, 1\]/),
    ]);
  });
});

describe('a source of reference cases', () => {
  const bytes = caseBytes('op', { op: 'tanh' }, tanh);
  const good = { name: 'it', group: 'op', f32_error: 0 };
  const withEntries = (entries: readonly unknown[], files = ['it.safetensors']): CaseSource => ({
    manifest: JSON.stringify({ cases: entries }),
    files,
    load: (file) => {
      if (file !== 'it.safetensors') throw new Error(`there is no ${file}`);
      return bytes;
    },
  });

  test.each([
    ['is not JSON', '{', /not JSON/],
    ['is null', 'null', /no list 'cases'/],
    ['has no list', '{}', /no list 'cases'/],
    ['lists nothing', '{"cases":[]}', /lists no case/],
  ])('is refused when the manifest %s', (_, manifest, message) => {
    const source = { ...withEntries([]), manifest };
    expect(() => referenceCases(source)).toThrow(FormatError);
    expect(() => referenceCases(source)).toThrow(message);
  });

  test.each([
    ['a file that is not there', { name: 'other' }, /there is no other\.safetensors/],
    ['a name that leads elsewhere', { name: '../it' }, /is not that of a file/],
    ['a group that the file does not have', { group: 'cell' }, /the manifest says group 'cell', the file 'op'/],
    ['no float32 error', { f32_error: undefined }, /f32_error is undefined/],
    ['a float32 error that lets everything pass', { f32_error: 'Infinity' }, /f32_error is "Infinity"/],
    ['a negative float32 error', { f32_error: -1 }, /f32_error is -1/],
  ])('has a failing case for an entry with %s', async (_, change, reason) => {
    const [result] = await resultsOf(withEntries([{ ...good, ...change }]));
    expect(result.status).toBe('failed');
    expect(result.reason).toMatch(reason);
  });

  test('has a failing case for an entry that comes twice, and for a file that the manifest lacks', async () => {
    const results = await resultsOf(withEntries([good, good], ['it.safetensors', 'stray.safetensors']));
    expect(results.map(({ name, status, reason }) => [name, status, reason])).toEqual([
      ['it', 'passed', undefined],
      ['it', 'failed', expect.stringContaining('twice')],
      ['stray.safetensors', 'failed', expect.stringContaining('not in the manifest')],
    ]);
  });

  test('has a failing case for a file that is broken', async () => {
    const source = { ...withEntries([good]), load: () => bytes.subarray(0, bytes.length - 1) };
    const [result] = await resultsOf(source);
    expect(result).toMatchObject({ status: 'failed', reason: expect.stringContaining('ERR_FORMAT') as string });
  });
});
