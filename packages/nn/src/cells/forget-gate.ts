import { ArgumentError, chunk, concat, full, noGrad, scope, type Tensor } from '@rnn/core';
import { checkNumber, refuse } from '@rnn/core/checks';
import type { StepWeights } from './recurrent-cell.js';

/**
 * Sets the forget gate's bias of an LSTM: the value in `bias_ih`, zero in `bias_hh`, as the two are
 * added.
 *
 * @param owner - for the message
 * @param weights - of four gates in the order i, f, g, o
 * @param value - a finite number
 * @throws ArgumentError when there are no biases, or the value is not finite
 */
export function setForgetGateBias(owner: string, { bias_ih, bias_hh }: StepWeights, value: number): void {
  if (bias_ih === undefined || bias_hh === undefined) {
    refuse(ArgumentError, owner, 'forgetGateBias', {
      received: 'given beside bias: false',
      expected: 'one or the other',
    });
  }
  checkNumber(owner, 'forgetGateBias', value);
  setForgetPart(bias_ih, value);
  setForgetPart(bias_hh, 0);
}

/** The second quarter of a stacked bias. */
function setForgetPart(bias: Tensor, value: number): void {
  const { dtype, backend } = bias;
  noGrad(() =>
    scope(() => {
      const [i, f, g, o] = chunk(bias, 4);
      bias.copy_(concat([i, full(f.shape, value, { dtype, backend }), g, o]));
    }),
  );
}
