import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { listenTexts as texts } from '../../texts/en/listen.ts';
import { palette, rgb } from '../../views/colour.ts';
import { cells } from './detector.ts';
import { frameSeconds, shownFrames, type Heard } from './heard.ts';

interface MovingMapProps {
  readonly heard: Heard;
  /** Changes with every frame, so that it is drawn again. */
  readonly count: number;
  readonly kind: 'h' | 'c';
}

/** Height of the curve, in its own pixels. */
const curveHeight = 64;

/** The probability as a curve, and below it the cells as colours; time runs to the right. */
export function MovingMap({ heard, count, kind }: MovingMapProps): VNode {
  const curve = useRef<HTMLCanvasElement>(null);
  const map = useRef<HTMLCanvasElement>(null);
  const place = useSignal<{ cell: number; column: number } | undefined>(undefined);

  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      if (curve.current !== null) paintCurve(curve.current, heard);
      if (map.current !== null) paintCells(map.current, heard, kind);
    });
    return () => cancelAnimationFrame(frame);
  }, [heard, count, kind]);

  const at = place.value;
  const value = at && heard.stateAt(kind, at.cell, at.column);
  const move = (cell: number, column: number): void => {
    const within = (i: number, size: number): number => Math.max(0, Math.min(size - 1, i));
    place.value = { cell: within(cell, cells), column: within(column, shownFrames) };
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const { cell, column } = at ?? { cell: 0, column: Math.min(heard.count, shownFrames) - 1 };
    if (event.key === 'ArrowUp') move(cell - 1, column);
    else if (event.key === 'ArrowDown') move(cell + 1, column);
    else if (event.key === 'ArrowLeft') move(cell, column - 1);
    else if (event.key === 'ArrowRight') move(cell, column + 1);
    else return;
    event.preventDefault();
  };
  return (
    <div class="moving-map">
      <h3>{texts.curve}</h3>
      <canvas ref={curve} class="curve" width={shownFrames} height={curveHeight} aria-hidden="true" />
      <p class="hidden">{texts.stretches(heard.speech)}</p>
      <h3>{texts.cells}</h3>
      <div
        class="cells"
        tabIndex={0}
        role="application"
        aria-roledescription="heat map"
        aria-label={texts.cells}
        onKeyDown={onKeyDown}
        onMouseMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          move(
            Math.floor(((event.clientY - box.top) / box.height) * cells),
            Math.floor(((event.clientX - box.left) / box.width) * shownFrames),
          );
        }}
        onMouseLeave={() => (place.value = undefined)}
      >
        <canvas ref={map} width={shownFrames} height={cells} />
        {count === 0 && <p class="empty quiet">{texts.empty}</p>}
      </div>
      <p class="reading quiet small" aria-live="polite">
        {at === undefined || value === undefined
          ? '\u00a0'
          : texts.reading(at.cell, (heard.frameAt(at.column) ?? 0) * frameSeconds, value)}
      </p>
    </div>
  );
}

function paintCurve(canvas: HTMLCanvasElement, heard: Heard): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  const [accent, quiet] = [rgb('accent'), rgb('line')];
  for (let column = 0; column < shownFrames; column++) {
    const probability = heard.probabilityAt(column);
    if (probability === undefined) break;
    context.fillStyle = `rgb(${(probability > 0.5 ? accent : quiet).join(' ')})`;
    const height = Math.max(1, probability * canvas.height);
    context.fillRect(column, canvas.height - height, 1, height);
  }
}

function paintCells(canvas: HTMLCanvasElement, heard: Heard, kind: 'h' | 'c'): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const colourOf = palette();
  const image = context.createImageData(shownFrames, cells);
  for (let cell = 0; cell < cells; cell++) {
    for (let column = 0; column < shownFrames; column++) {
      const value = heard.stateAt(kind, cell, column) ?? 0;
      // A cell state has no bounds; tanh is what the cell makes of it, too.
      const [red, green, blue] = colourOf(kind === 'h' ? value : Math.tanh(value));
      const at = 4 * (cell * shownFrames + column);
      image.data[at] = red;
      image.data[at + 1] = green;
      image.data[at + 2] = blue;
      image.data[at + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}
