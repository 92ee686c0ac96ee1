import { keepingGateShift, type GradientCurve, type GradientsResult } from '../chapters/gradients.ts';
import { signChart, type Curve } from './chart.ts';
import { grid } from './grid.ts';
import type { Screen } from './screen.ts';
import type { Summary } from './summary.ts';

const looks = {
  RNN: { sign: 'x', colour: 'magenta' },
  LSTM: { sign: 'o', colour: 'cyan' },
  GRU: { sign: '+', colour: 'yellow' },
} as const;

/** What counts as forgotten: a thousandth of the newest month's gradient. */
const forgotten = 1e-3;

export function showGradients(screen: Screen, { curves }: GradientsResult): void {
  screen.say(
    'How strongly the loss depends on each of the 60 months before the forecast: the size of its gradient by that input, on a logarithmic ' +
      'scale. A plain RNN sends its state through the same weights at every step, and soon little is left of it. An LSTM and a GRU have a ' +
      `gate that keeps the state; here it starts open (its bias raised by ${keepingGateShift}).`,
  );
  screen.print();
  const drawn = curves.filter(({ name, open }) => open || name === 'RNN');
  screen.print(
    signChart(screen, drawn.map(curveOf), {
      xTicks: [-59, -48, -36, -24, -12, 0],
      yTicks: powersOfTen(drawn),
      xLabel: (month) => (month === 0 ? 'newest' : String(month)),
      yLabel: (power) => `1e${power}`,
    }),
  );
  screen.print();
  const rows = curves.map((curve) => [curve.name, gateOf(curve), `x ${perStep(curve).toFixed(2)}`, reach(curve)]);
  screen.print(
    grid(screen, ['network', 'keeping gate', 'each month back', 'a thousandth is left after'], rows, [
      'left',
      'left',
      'right',
      'right',
    ]),
  );
  screen.print();
  screen.say(
    'Half open, as weights usually start, a gate forgets like a plain RNN: it has to open, by its bias or by training.',
  );
}

export function summariseGradients({ curves }: GradientsResult): Summary[] {
  return curves
    .filter(({ name, open }) => open || name === 'RNN')
    .map((curve) => ({
      what: `${curve.name} gradient${curve.open ? ', gate open' : ''}`,
      result: `x ${perStep(curve).toFixed(2)} a step`,
      beside: 'x 1 forgets nothing',
    }));
}

/** Every fifth power of ten, around all values. */
function powersOfTen(curves: readonly GradientCurve[]): number[] {
  const powers = curves.flatMap(({ norms }) => norms.map((norm) => Math.log10(norm)));
  const lowest = Math.floor(Math.min(...powers) / 5);
  const highest = Math.ceil(Math.max(...powers) / 5);
  return Array.from({ length: highest - lowest + 1 }, (_, i) => 5 * (lowest + i));
}

function curveOf({ name, norms }: GradientCurve): Curve {
  const { sign, colour } = looks[name];
  return {
    name,
    sign,
    colour,
    points: norms.map((norm, t) => [t - norms.length + 1, Math.log10(norm)]),
  };
}

function gateOf({ name, open }: GradientCurve): string {
  if (name === 'RNN') return 'has none';
  return open ? 'starts open' : 'starts half open';
}

/**
 * By what the gradient is multiplied from one month to the one before: the geometric mean over all
 * steps.
 */
function perStep({ norms }: GradientCurve): number {
  return (norms[0] / norms[norms.length - 1]) ** (1 / (norms.length - 1));
}

function reach({ norms }: GradientCurve): string {
  const newest = norms.length - 1;
  for (let back = 1; back <= newest; back++) {
    if (norms[newest - back] < forgotten * norms[newest]) return `${back} months`;
  }
  return `more than ${newest} months`;
}
