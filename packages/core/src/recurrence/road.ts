/** Which road a step takes over the time of a sequence: compiled, from a trace that may be remembered, or eager. */
import { isFloating } from '../dtype.js';
import { isAnomalyEnabled, isGradEnabled } from '../grad-mode.js';
import type { Tensor } from '../tensor.js';
import type { Scan } from './eager.js';
import { picture } from './fields.js';
import { plansFor, ROWS } from './known-plans.js';
import { needsBatch, recall, remember, type Trace } from './remembered.js';
import type { Slot } from './traced-step.js';

/** The road that a step takes, and why. */
export type Road = CompiledRoad | EagerRoad;

export interface CompiledRoad extends Trace {
  readonly kind: 'compiled';
}

interface EagerRoad {
  readonly kind: 'eager';
  readonly reason: string;
}

/** Finds the road for a scan. Unless it is remembered, calls the step on symbols. */
export function findRoad(scan: Scan): Road {
  if (isAnomalyEnabled()) return { kind: 'eager', reason: 'the anomaly mode looks at every operation' };
  const known = recall(scan);
  if (known !== undefined) return { kind: 'compiled', ...known };
  const fields = scan.parameters && picture(scan.parameters);
  const road = traceRoad(scan);
  if (road.kind === 'compiled' && fields !== undefined) remember(scan, road, fields);
  return road;
}

function traceRoad(scan: Scan): Road {
  const { step, inputs, states, reverse } = scan;
  const { backend, dtype } = inputs[0];
  const all = [...inputs, ...states];
  if (all.some((t) => t.backend !== backend || t.dtype !== dtype || !isFloating(t.dtype))) {
    return { kind: 'eager', reason: `the arguments are of ${[...new Set(all.map((t) => t.dtype))].join(' and ')}` };
  }
  const batch = inputs[0].shape[1];
  const canBeBatched =
    inputs.every((x) => x.rank > 1 && x.shape[1] === batch) && states.every((s) => s.rank > 0 && s.shape[0] === batch);
  const reasons = new Set<string>();
  for (const batched of [true, false]) {
    if (batched ? !canBeBatched : needsBatch(scan)) continue;
    const slot = (t: Tensor, lead: number): Slot => ({
      shape: t.shape.slice(lead + Number(batched)),
      dtype,
      wantsGrad: t.requiresGrad,
    });
    try {
      const request = {
        backend,
        batched,
        rows: batched ? ROWS : 1,
        inputs: inputs.map((x) => slot(x, 1)),
        states: states.map((s) => slot(s, 0)),
        recorded: isGradEnabled(),
        mayDraw: true,
      };
      return { kind: 'compiled', ...plansFor(step, request, reverse), batched };
    } catch (error) {
      // Whatever is wrong with the step itself shows again, with real tensors, on the eager road.
      if (!(error instanceof Error)) throw error;
      reasons.add(error.message.replaceAll(String(ROWS), 'B')); // the placeholder would puzzle people
    }
  }
  return { kind: 'eager', reason: [...reasons].join('; ') };
}
