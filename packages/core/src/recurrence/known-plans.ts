/** Plans of steps that were traced before: two steps that compute the same share them, whatever tensors they captured. */
import { TraceError } from '../errors.js';
import type { Tensor } from '../tensor.js';
import type { TracedDraw } from './drawing.js';
import type { ListStep } from './eager.js';
import { plansOf, type Plans } from './plans.js';
import { traceStep, type TracedStep, type TraceRequest } from './traced-step.js';

/** Two primes that no number of features is a multiple of: a step that treats them differently uses the size of the batch as a number. */
export const ROWS = 65_537;
const OTHER_ROWS = 65_539;

/** Plans by the key of what they compute, the oldest first. */
const known = new Map<string, Plans>();
const KNOWN_AT_MOST = 256;

/**
 * Traces a step and finds the plans for what it computes, or makes them.
 *
 * @returns the plans, the tensors that this step captured, in the order of their first use, and what it draws
 * @throws TraceError when the step cannot be traced; any error of the step itself
 */
export function plansFor(
  step: ListStep,
  request: Omit<TraceRequest, 'isKnown'>,
  reverse: boolean,
): { readonly plans: Plans; readonly captured: readonly Tensor[]; readonly draws: readonly TracedDraw[] } {
  const { dtype } = request.inputs[0];
  const nameOf = (key: string): string =>
    `${dtype} ${request.batched ? 'batch' : 'single'} ${reverse ? 'reverse' : ''} ${key}`;
  const traced = traceStep(step, { ...request, isKnown: (key) => known.has(nameOf(key)) });
  const name = nameOf(traced.key);
  const { captured, draws } = traced;
  return { plans: known.get(name) ?? learn(name, traced, step, request, reverse), captured, draws };
}

function learn(
  name: string,
  traced: TracedStep,
  step: ListStep,
  request: Omit<TraceRequest, 'isKnown'>,
  reverse: boolean,
): Plans {
  if (request.batched) {
    const other = traceStep(step, { ...request, rows: OTHER_ROWS, isKnown: () => true });
    if (other.key !== traced.key) throw new TraceError('the step uses the size of the batch as a number');
  }
  const plans = plansOf(traced, request.inputs[0].dtype, reverse);
  if (known.size >= KNOWN_AT_MOST)
    for (const oldest of known.keys()) {
      known.delete(oldest);
      break;
    }
  known.set(name, plans);
  return plans;
}
