import type { FlowVerdict } from '@rnn/train';

/** What the demo of memory says. */
export const memory = {
  what: (symbols: number, length: number) =>
    `Three nets see one of ${symbols} symbols, then ${length - 1} steps of noise, and shall then say which symbol it was.`,
  why:
    'Each net learns from its gradient, which has to come back through every step of noise. ' +
    'Where it shrinks on the way, the weights never hear of the symbol, and the net can only guess.',
  length: 'Length',
  gain: 'Gain of the recurrent weights',
  forgetBias: 'Forget-gate bias (f of the LSTM, z of the GRU)',
  clip: 'Clip gradients at',
  never: 'never',
  flow: 'How much of the gradient reaches each step',
  flowHint:
    'Size of dL/dh at each time step, on a logarithmic scale: the symbol is at the left end, the question at the right.',
  flowAxis: 'size of dL/dh',
  recallAxis: 'recalled',
  reasons: 'What the gradients say',
  recall: 'How many symbols each net recalls',
  recallHint: (symbols: number) => `On sequences that it did not learn from; a guess is right once in ${symbols}.`,
  step: 'time step',
  trained: 'training step',
  percent: (share: number) => `${Math.round(share * 100)} %`,
  recalls: (share: number) => `recalls ${Math.round(share * 100)} %`,
  verdicts: {
    vanishing: 'its gradient vanishes',
    exploding: 'its gradient explodes',
    saturated: 'its gates are saturated',
    healthy: 'its gradient is healthy',
  } satisfies Record<FlowVerdict, string>,
  factor: (factor: number) =>
    Number.isFinite(factor)
      ? `In each step back ${(100 * factor).toPrecision(3)} % of the gradient goes on.`
      : 'On the way back the gradient grows beyond all numbers.',
  advice: {
    vanishing:
      'A net with gates that stay open (a larger forget-gate bias), or a shorter sequence, would keep more of it.',
    exploding: 'Clip it, or begin with smaller recurrent weights.',
    saturated: 'Nearly all gates are fully open or shut, where nothing is learnt: begin with smaller weights.',
    healthy: 'Enough of it arrives to learn from.',
  } satisfies Record<FlowVerdict, string>,
  learnt: 'It recalls the symbol already: what little gradient is left has little to correct.',
  gradient: (norm: number) => `The gradient of all weights is ${norm.toPrecision(2)} long.`,
  try: 'Try:',
  tries: [
    { text: 'a forget-gate bias of 0', settings: { bias: 0 } },
    { text: 'a length of 15', settings: { length: 15 } },
    { text: 'a gain of 2.5', settings: { gain: 2.5 } },
    { text: 'all as it was', settings: { bias: 4, length: 50, gain: 1, clip: 1 } },
  ],
  tryTexts: [
    'LSTM and GRU then lose half of their state in every step: their gradients vanish, too.',
    'The gradient of the plain RNN now reaches the symbol, though small.',
    'Less of the gradient is lost in each step, and once it grows it explodes: clipping then matters.',
    'LSTM and GRU learn it within some hundred steps; the plain RNN hears nothing of the symbol.',
  ],
} as const;
