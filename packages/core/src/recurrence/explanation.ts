import { showProgram } from '../program.js';
import type { Road } from './road.js';

/** What `explain` says of a road. */
export interface Explanation {
  readonly road: 'compiled' | 'eager';
  /** Why the eager road; `undefined` on the compiled one. */
  readonly reason: string | undefined;
  /** Products before the loop, in it and after it, for a forward pass. */
  readonly products: { readonly before: number; readonly loop: number; readonly after: number };
  /** The programs in words. */
  readonly text: string;
}

export function explainRoad(road: Road): Explanation {
  if (road.kind === 'eager')
    return {
      road: 'eager',
      reason: road.reason,
      products: { before: 0, loop: 0, after: 0 },
      text: `eager: ${road.reason}`,
    };
  const { inference, training } = road.plans;
  const count = (stage: typeof inference.loop): number =>
    stage?.program.body.filter(({ kind }) => kind === 'matmul').length ?? 0;
  const parts = (title: string, plan: typeof inference | undefined): string[] =>
    (['before', 'loop', 'after'] as const).flatMap((part) => {
      const stage = plan?.[part];
      return stage === undefined ? [] : [`${title}, ${part}:\n${showProgram(stage.program)}`];
    });
  return {
    road: 'compiled',
    reason: undefined,
    products: { before: count(inference.before), loop: count(inference.loop), after: count(inference.after) },
    text: [...parts('forward', training?.forward ?? inference), ...parts('backward', training?.backward)].join('\n\n'),
  };
}
