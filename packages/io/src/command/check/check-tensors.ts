/** Checks files of weights: safetensors, and state dicts of PyTorch. */
import type { TypedArray } from '@rnn/core';
import type { Findings } from './finding.js';
import { checkModules } from './pytorch-modules.js';

/** A tensor of a file. */
export interface CheckedTensor {
  readonly name: string;
  /** As the format calls it. */
  readonly type: string;
  readonly shape: readonly number[];
  /** Names of one value have one identity. */
  readonly identity: unknown;
  readonly read: () => Promise<TypedArray>;
}

/** What becomes of element types here; those that are not listed stay what they are. */
const becomes: Readonly<Record<string, string>> = {
  F64: 'float32 on a backend without float64: rounded',
  I64: 'int32: a number that does not fit is refused',
  U64: 'int32: a number that does not fit is refused',
  U32: 'int32: a number that does not fit is refused',
  F16: 'float32, exactly',
  BF16: 'float32, exactly',
  C64: 'float32, with real and imaginary part as a last dimension',
  C128: 'float64, with real and imaginary part as a last dimension',
  I16: 'int32, exactly',
  U16: 'int32, exactly',
  I8: 'int32, exactly',
  U8: 'int32, exactly',
  BOOL: 'int32, 1 and 0',
};

/** Types that PyTorch's reader of safetensors does not know. */
const unknownToPyTorch = new Set(['F4', 'F6_E2M3', 'F6_E3M2']);

const MOST_NAMES = 4;

export async function checkTensors(tensors: readonly CheckedTensor[], findings: Findings): Promise<void> {
  checkModules(new Map(tensors.map(({ name, shape }) => [name, shape])), findings);
  checkTypes(tensors, findings);
  checkTied(tensors, findings);
  const seen = new Set<unknown>();
  for (const { name, identity, read } of tensors) {
    if (seen.has(identity)) continue;
    seen.add(identity);
    const numbers = await read();
    let nan = 0;
    let infinite = 0;
    for (let i = 0; i < numbers.length; i++) {
      if (Number.isNaN(numbers[i])) nan++;
      else if (numbers[i] === Infinity || numbers[i] === -Infinity) infinite++;
    }
    if (nan + infinite === 0) continue;
    const counts = [...(nan > 0 ? [`${nan} NaN`] : []), ...(infinite > 0 ? [`${infinite} infinite`] : [])];
    findings.wrong(
      '@rnn',
      name,
      `${counts.join(' and ')} of ${numbers.length} numbers: what the model computes with them is no number`,
    );
  }
}

function checkTypes(tensors: readonly CheckedTensor[], findings: Findings): void {
  const byType = new Map<string, string[]>();
  for (const { name, type } of tensors) byType.set(type, [...(byType.get(type) ?? []), name]);
  for (const [type, names] of byType) {
    const where = some(names);
    if (unknownToPyTorch.has(type)) findings.refuse('PyTorch', where, `its safetensors reader has no type for ${type}`);
    else if (/^(F16|BF16|F64)$/.test(type)) {
      findings.change(
        'PyTorch',
        where,
        `${type} stays in the state dict; load_state_dict makes it the parameter's type`,
      );
    }
    if (Object.hasOwn(becomes, type)) findings.change('@rnn', where, `${type} becomes ${becomes[type]}`);
    else if (/^F[468]/.test(type)) findings.change('@rnn', where, `${type} becomes float32, exactly`);
  }
}

/** Names of one value. */
function checkTied(tensors: readonly CheckedTensor[], findings: Findings): void {
  const names = new Map<unknown, string[]>();
  for (const { name, identity } of tensors) names.set(identity, [...(names.get(identity) ?? []), name]);
  for (const [first, ...others] of names.values()) {
    if (others.length === 0) continue;
    findings.change(
      'PyTorch',
      [first, ...others].join(', '),
      `tied: one value, which stays one when a model that ties them loads it. Written as safetensors only ${first} is there, so Python's load_model finds the others and load_file does not`,
    );
  }
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).join(', ');
  return names.length > MOST_NAMES ? `${shown} and ${names.length - MOST_NAMES} more` : shown;
}
