import { opening, type GradientCurve, type GradientsResult } from '../chapters/gradients.ts';
import { signChart, type Curve } from './chart.ts';
import { grid } from './grid.ts';
import type { Screen } from './screen.ts';
import type { Summary } from './summary.ts';

const looks = { RNN: { sign: 'x', colour: 'magenta' }, LSTM: { sign: 'o', colour: 'cyan' }, GRU: { sign: '+', colour: 'yellow' } } as const;

export function showGradients(screen: Screen, { curves }: GradientsResult): void {
  screen.say(
    'How much the loss still depends on what came in long ago: the size of its gradient by the input of each of 60 months, on a logarithmic ' +
      'scale. A plain RNN multiplies by its weights at every step back, so little is left. An LSTM and a GRU have a gate that keeps the state; ' +
      `here it starts open (its bias raised by ${opening}).`,
  );
}
