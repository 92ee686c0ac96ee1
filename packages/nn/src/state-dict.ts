import { ArgumentError, noGrad, sameShape, scope, showShape, StateDictError, Tensor } from '@rnn/core';
import { isPromise, refuse, shown } from '@rnn/core/checks';

/** Parameters and buffers by their full names, as PyTorch names them: `rnn.weight_ih_l0`. */
export type StateDict = Record<string, Tensor>;

export interface LoadOptions {
  /** `false` lets entries be missing or left over; entries of a wrong shape are refused all the same. */
  readonly strict?: boolean;
}

/** Which names did not match. */
export interface LoadReport {
  /** Names that the module has and the state dict has not. */
  readonly missing: readonly string[];
  /** Names that the state dict has and the module has not. */
  readonly unexpected: readonly string[];
}

/**
 * Copies a state dict into tensors, all of it or, on any mistake, nothing.
 *
 * @param owner - whose tensors these are, for the message
 * @param targets - parameters and buffers by name
 * @param source - what to load; converted to each target's floating type and backend
 * @param strict - whether every name has to match
 * @returns what did not match
 * @throws StateDictError that names every missing, unexpected and unfitting entry at once
 */
export function loadState(
  owner: string,
  targets: ReadonlyMap<string, Tensor>,
  source: Readonly<StateDict>,
  strict: boolean,
): LoadReport {
  if (typeof source !== 'object' || source === null || isPromise(source)) {
    refuse(ArgumentError, 'loadStateDict', 'tensors', { value: source, expected: 'an object of tensors by name' });
  }
  const missing = [...targets.keys()].filter((name) => !Object.hasOwn(source, name));
  const unexpected = Object.keys(source).filter((name) => !targets.has(name));
  const shared = [...targets].filter(([name]) => Object.hasOwn(source, name));
  const unfitting = shared.flatMap(([name, target]) => {
    const mistake = misfit(target, source[name]);
    return mistake === undefined ? [] : [`${name} ${mistake}`];
  });
  const complaints = [
    ...(strict && missing.length > 0 ? [`missing: ${missing.join(', ')}`] : []),
    ...(strict && unexpected.length > 0 ? [`unexpected: ${unexpected.join(', ')}`] : []),
    ...(unfitting.length > 0 ? [`unfitting: ${unfitting.join('; ')}`] : []),
  ];
  if (complaints.length > 0) {
    refuse(StateDictError, 'loadStateDict', 'tensors', {
      received: `no state dict of ${owner} (${complaints.join('; ')})`,
      expected: 'every name and shape to fit',
      hint: 'nothing was loaded',
      missing,
      unexpected,
    });
  }
  noGrad(() =>
    scope(() => {
      // Everything that can fail comes before the first copy.
      const values = shared.map(([name, target]) => source[name].to(target.dtype).to(target.backend));
      shared.forEach(([, target], i) => void target.copy_(values[i]));
    }),
  );
  return { missing, unexpected };
}

/** What is wrong with an entry for a target, if anything. */
function misfit(target: Tensor, value: unknown): string | undefined {
  if (!(value instanceof Tensor)) return `is ${shown(value)}, expected a Tensor`;
  if (value.isDisposed) return 'was disposed of';
  if (!sameShape(value.shape, target.shape)) {
    return `has shape ${showShape(value.shape)}, expected ${showShape(target.shape)}`;
  }
  if ((value.dtype === 'int32') !== (target.dtype === 'int32')) return `is ${value.dtype}, expected ${target.dtype}`;
  return undefined;
}
