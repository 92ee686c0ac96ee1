/** Units that tell a phrase from what is around it. */
import type { Reading } from './experiment.ts';

/** A stretch of a text, from the first character up to, without, the last. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A unit whose state is another one in a phrase. */
export interface Switching {
  readonly unit: number;
  /** Whether its state rises in the phrase; else it falls. */
  readonly isHigh: boolean;
  /** How far its states inside lie from those around, in units of their spread. */
  readonly contrast: number;
  /** Where else it is as it is in the phrase, for as long as half of it. */
  readonly elsewhere: readonly Span[];
}

/** The least contrast that counts as a switch. */
const least = 1;

/**
 * Finds the units that switch at a phrase: their state inside differs from that before and behind
 * it by more than it usually varies.
 *
 * @param reading - of the passage
 * @param phrase - within it
 * @param count - how many, the clearest first
 */
export function switchingUnits({ states, units, text }: Reading, phrase: Span, count: number): Switching[] {
  const length = text.length;
  const width = phrase.to - phrase.from;
  const margin = Math.max(width, 4);
  const around: Span[] = [
    { from: Math.max(0, phrase.from - margin), to: phrase.from },
    { from: phrase.to, to: Math.min(length, phrase.to + margin) },
  ];
  const found: Switching[] = [];
  for (let unit = 0; unit < units; unit++) {
    const at = (t: number): number => states[t * units + unit];
    const inside = meanOf(at, [phrase]);
    const outside = meanOf(at, around);
    const spread = deviation(at, [{ from: 0, to: length }]);
    const contrast = Math.abs(inside - outside) / (spread + 0.02);
    if (!(contrast >= least)) continue;
    const isHigh = inside > outside;
    const threshold = (inside + outside) / 2;
    const isOn = (t: number): boolean => at(t) > threshold === isHigh;
    const elsewhere = runs(isOn, length, Math.max(1, Math.ceil(width / 2))).filter(
      ({ from, to }) => to <= phrase.from || from >= phrase.to,
    );
    found.push({ unit, isHigh, contrast, elsewhere });
  }
  return found.sort((a, b) => b.contrast - a.contrast).slice(0, count);
}

function meanOf(at: (t: number) => number, spans: readonly Span[]): number {
  let [sum, count] = [0, 0];
  for (const { from, to } of spans) {
    for (let t = from; t < to; t++) [sum, count] = [sum + at(t), count + 1];
  }
  return sum / count;
}

function deviation(at: (t: number) => number, spans: readonly Span[]): number {
  const mean = meanOf(at, spans);
  return Math.sqrt(meanOf((t) => (at(t) - mean) ** 2, spans));
}

/** Stretches of at least this length where something holds. */
function runs(holds: (t: number) => boolean, length: number, least: number): Span[] {
  const found: Span[] = [];
  let from = -1;
  for (let t = 0; t <= length; t++) {
    const isOn = t < length && holds(t);
    if (isOn && from < 0) from = t;
    if (isOn || from < 0) continue;
    if (t - from >= least) found.push({ from, to: t });
    from = -1;
  }
  return found;
}
