/**
 * The steps of the gallery by `scan`, compiled and step by step, held to plain loops in PyTorch.
 */
import { FormatError, scan, type CompileMode, type Tensor } from '@rnn/core';
import * as steps from '../gallery/steps.js';
import { resetsOf } from './cells.js';
import { lengthsOf } from './recurrent.js';
import type { Trial } from './trial.js';

const kinds: ReadonlyMap<string, steps.GalleryStep> = new Map([
  ['slstm', steps.slstm],
  ['mlstm', steps.mlstm],
  ['block_gru', steps.blockGru],
  ['linear_attention', steps.linearAttention],
  ['delta_rule', steps.deltaRule],
  ['gated_delta_rule', steps.gatedDeltaRule],
  ['rwkv', steps.rwkv],
  ['luong_decoder', steps.luongDecoder],
]);

/**
 * Runs a case of the group `gallery`: a step over a sequence, the loss on the output and the final
 * states.
 */
export function runGallery(compile: CompileMode): (trial: Trial) => void {
  return (trial) => {
    const { config } = trial.file;
    const kind = config.text('kind');
    const step = kinds.get(kind);
    if (step === undefined)
      throw new FormatError(`reference case: unknown kind '${kind}', expected one of ${[...kinds.keys()].join(', ')}`);
    const weights = Object.fromEntries(trial.file.names('param.').map((name) => [name, trial.input(`param.${name}`)]));
    const states: readonly Tensor[] = Array.from({ length: config.number('states') }, (_, i) => trial.input(`s${i}`));
    const [output, last] = scan(
      (x: Tensor, before: readonly Tensor[], parameters: steps.Weights) => step(x, before, parameters),
      trial.input('input'),
      states,
      {
        parameters: weights,
        lengths: lengthsOf(trial),
        resets: resetsOf(trial),
        reverse: config.flag('reverse', false),
        compile,
      },
    );
    trial.result('out.output', output);
    last.forEach((state, i) => trial.result(`out.s${i}`, state));
    trial.backward();
  };
}
