import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { between, palette, rgb, type Rgb } from '../../views/colour.ts';
import type { Span } from './units.ts';

export interface PassageProps {
  readonly label: string;
  readonly text: string;
  /** The colour of each character, from -1 to 1; none where it is NaN. */
  readonly values: ArrayLike<number> | undefined;
  /** How strongly each character lights up, from 0 to 1. */
  readonly lights: ArrayLike<number> | undefined;
  /** Where the pointer or the keyboard is. */
  readonly at: number | undefined;
  readonly phrase: Span | undefined;
  /** Stretches that are underlined. */
  readonly underlined: readonly Span[];
  readonly onMove: (at: number | undefined) => void;
  readonly onPhrase: (phrase: Span | undefined) => void;
}

/** How much of a full colour lies behind a letter, so that it can be read in any. */
const strength = 0.45;

/** A text whose characters are pointed at, coloured and chosen, by pointer or keyboard. */
export function Passage(props: PassageProps): VNode {
  const { label, text, at, phrase } = props;
  const anchor = useSignal<number | undefined>(undefined);
  const isDragging = useSignal(false);
  // A change of the scheme gives other colours.
  const scheme = useSignal(0);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const change = (): void => void scheme.value++;
    query.addEventListener('change', change);
    return () => query.removeEventListener('change', change);
  }, []);
  const { values, lights } = props;
  const colours = useMemo(() => backgrounds(props), [text, values, lights, scheme.value]);

  const choose = (to: number): void => {
    const from = anchor.value ?? to;
    props.onPhrase(from === to ? undefined : { from: Math.min(from, to), to: Math.max(from, to) + 1 });
  };
  const move = (to: number, extends_: boolean): void => {
    const next = Math.max(0, Math.min(text.length - 1, to));
    if (extends_) {
      anchor.value ??= at ?? 0;
      choose(next);
    } else {
      anchor.value = undefined;
    }
    props.onMove(next);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -40,
      ArrowDown: 40,
      Home: -text.length,
      End: text.length,
    };
    const step = steps[event.key];
    if (event.key === 'Escape') props.onPhrase(undefined);
    if (step === undefined) return;
    event.preventDefault();
    move((at ?? (step > 0 ? -1 : text.length)) + step, event.shiftKey);
  };
  const index = (event: Event): number | undefined => {
    const place = (event.target as HTMLElement).dataset.at;
    return place === undefined ? undefined : Number(place);
  };

  return (
    <div
      class="passage"
      tabIndex={0}
      role="application"
      aria-roledescription="text"
      aria-label={`${label}: ${text}`}
      onKeyDown={onKeyDown}
      onPointerOver={(event) => {
        const place = index(event);
        if (place === undefined) return;
        props.onMove(place);
        if (isDragging.value) choose(place);
      }}
      onPointerDown={(event) => {
        const place = index(event);
        if (place === undefined) return;
        // A finger drags over letters too, which are then no longer held by the first.
        (event.target as HTMLElement).releasePointerCapture(event.pointerId);
        anchor.value = place;
        isDragging.value = true;
        props.onPhrase(undefined);
      }}
      onPointerUp={() => (isDragging.value = false)}
      onPointerLeave={() => (isDragging.value = false)}
      onBlur={() => props.onMove(undefined)}
    >
      {Array.from({ length: text.length }, (_, i) => (
        <span
          key={i}
          data-at={i}
          class={classes(i, at, phrase, props.underlined)}
          style={{ backgroundColor: colours[i] }}
          aria-hidden="true"
        >
          {text[i] === '\n' ? '↵\n' : text[i]}
        </span>
      ))}
    </div>
  );
}

function classes(i: number, at: number | undefined, phrase: Span | undefined, spans: readonly Span[]): string {
  const within = ({ from, to }: Span): boolean => i >= from && i < to;
  return [
    'letter',
    i === at && 'at',
    phrase !== undefined && within(phrase) && 'chosen',
    spans.some(within) && 'underlined',
  ]
    .filter(Boolean)
    .join(' ');
}

/** The colours behind the letters; those of the style sheet are asked for once. */
function backgrounds({ text, values, lights }: PassageProps): string[] {
  const [ground, mark, colourOf] = [rgb('surface'), rgb('mark'), palette()];
  return Array.from({ length: text.length }, (_, i) => {
    if (lights !== undefined) return css(between(ground, mark, lights[i] ?? 0));
    const value = values?.[i] ?? Number.NaN;
    return Number.isNaN(value) ? '' : css(between(ground, colourOf(Math.sign(value)), Math.abs(value) * strength));
  });
}

function css([red, green, blue]: Rgb): string {
  return `rgb(${red} ${green} ${blue})`;
}
