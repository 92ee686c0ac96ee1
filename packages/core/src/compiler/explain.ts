import type { Backend } from '../backend.js';
import type { Explanation } from '../explanation.js';
import { showProgram } from '../program.js';
import { carryKinds } from './carry-kind.js';
import type { Dispatch } from './pipeline.js';
import type { Stages } from './lower/lower.js';
import { runsInBlocks } from './run/parallel-loop.js';
import { stagesOf } from './lowered.js';

const parallel = 'parallel in time: the loop is linear in what it carries, and runs in blocks of steps side by side';

/**
 * @param how - how a scan runs
 * @param backend - on which
 * @param extent - its steps, and the rows of the batch
 */
export function explainDispatch(
  how: Dispatch,
  backend: Backend,
  { steps, rows }: { readonly steps: number; readonly rows: number },
): Explanation {
  if (how.kind === 'eager')
    return {
      mode: 'eager',
      reason: how.reason,
      products: { before: 0, loop: 0, after: 0 },
      carry: [],
      text: `eager: ${how.reason}`,
    };
  const { inference, training } = how.plans;
  const count = (stage: typeof inference.loop): number =>
    stage?.program.body.filter(({ kind }) => kind === 'matmul').length ?? 0;
  const parts = (title: string, plan: Stages | undefined): string[] =>
    plan === undefined
      ? []
      : stagesOf(plan).map(({ when, stage }) => `${title}, ${when}:\n${showProgram(stage.program)}`);
  const carry = inference.loop === undefined ? [] : carryKinds(inference.loop.program);
  const loop = (training?.forward ?? inference).loop?.program;
  const isParallel = loop !== undefined && runsInBlocks(backend, loop, steps, rows);
  const programs = [...parts('forward', training?.forward ?? inference), ...parts('backward', training?.backward)];
  return {
    mode: 'compiled',
    reason: undefined,
    products: { before: count(inference.before), loop: count(inference.loop), after: count(inference.after) },
    carry,
    text: [
      ...(isParallel ? [parallel] : []),
      ...(carry.length > 0 ? [`carry: ${carry.join(', ')}`] : []),
      ...programs,
    ].join('\n\n'),
  };
}
