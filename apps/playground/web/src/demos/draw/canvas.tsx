import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { drawTexts as texts } from '../../texts/en/draw.ts';
import { colour } from '../../views/colour.ts';
import { canvas as size } from './examples.ts';
import type { Point, Stroke } from './strokes.ts';

interface DrawingCanvasProps {
  /** What was drawn. */
  readonly strokes: readonly Stroke[];
  /** How the net goes on, each in strokes. */
  readonly continuations: readonly (readonly Stroke[])[];
  /** Called with each stroke that is finished; more may follow. */
  readonly onStroke: (stroke: Stroke) => void;
}

/** Units that an arrow key moves the pen by. */
const keyStep = 8;
const hues = ['forecast', 'third', 'first'];

/** What is drawn with a pointer or by keys, and how the net goes on. */
export function DrawingCanvas({ strokes, continuations, onStroke }: DrawingCanvasProps): VNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const stroke = useSignal<readonly Point[]>([]);
  const pen = useSignal<(Point & { readonly isDown: boolean }) | undefined>(undefined);

  useEffect(() => {
    const draw = (): void => {
      if (canvas.current !== null) paint(canvas.current, strokes, stroke.value, continuations, pen.value);
    };
    draw();
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    return () => scheme.removeEventListener('change', draw);
  }, [strokes, continuations, stroke.value, pen.value]);

  const finish = (): void => {
    const done = stroke.value;
    stroke.value = [];
    if (done.length > 1) onStroke(done);
  };
  const under = (event: PointerEvent): Point => {
    const box = (canvas.current as HTMLCanvasElement).getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * size.width,
      y: ((event.clientY - box.top) / box.height) * size.height,
    };
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const { x, y, isDown } = pen.value ?? { x: size.width / 8, y: size.height / 2, isDown: false };
    const moves: Readonly<Record<string, readonly [number, number]>> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const move = moves[event.key];
    if (move !== undefined) {
      const within = (value: number, most: number): number => Math.max(0, Math.min(most, value));
      const next = { x: within(x + move[0] * keyStep, size.width), y: within(y + move[1] * keyStep, size.height) };
      pen.value = { ...next, isDown };
      if (isDown) stroke.value = [...stroke.value, next];
    } else if (event.key === ' ') {
      pen.value = { x, y, isDown: !isDown };
      if (isDown) finish();
      else stroke.value = [{ x, y }];
    } else if (event.key === 'Enter') {
      pen.value = { x, y, isDown: false };
      finish();
    } else return;
    event.preventDefault();
  };
  const ends = continuations.flatMap((continuation) => continuation.at(-1)?.at(-1) ?? []);
  return (
    <div class="drawing">
      <canvas
        ref={canvas}
        width={2 * size.width}
        height={2 * size.height}
        tabIndex={0}
        role="application"
        aria-label={texts.canvas}
        aria-describedby="drawing-text"
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          stroke.value = [under(event)];
        }}
        onPointerMove={(event) => {
          if (stroke.value.length === 0 || pen.value?.isDown === true) return;
          const all = event.getCoalescedEvents();
          stroke.value = [...stroke.value, ...(all.length === 0 ? [event] : all).map(under)];
        }}
        onPointerUp={finish}
        onPointerCancel={finish}
      />
      <p class="hidden" id="drawing-text">
        {texts.inWords(ends)}
      </p>
      <p class="hidden" aria-live="polite">
        {pen.value === undefined ? '' : texts.pen(pen.value.x, pen.value.y, pen.value.isDown)}
      </p>
    </div>
  );
}

function paint(
  canvas: HTMLCanvasElement,
  strokes: readonly Stroke[],
  current: Stroke,
  continuations: readonly (readonly Stroke[])[],
  pen: (Point & { readonly isDown: boolean }) | undefined,
): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.setTransform(2, 0, 0, 2, 0, 0);
  context.clearRect(0, 0, size.width, size.height);
  context.lineCap = 'round';
  context.lineJoin = 'round';
  const line = (stroke: Stroke, hue: string, width: number): void => {
    context.strokeStyle = colour(hue)();
    context.lineWidth = width;
    context.beginPath();
    for (const [i, { x, y }] of stroke.entries()) {
      if (i === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    context.stroke();
  };
  for (const [i, continuation] of continuations.entries()) {
    for (const stroke of continuation) line(stroke, hues[i % hues.length] ?? 'accent', 2);
  }
  for (const stroke of [...strokes, current]) line(stroke, 'ink', 3);
  if (pen === undefined) return;
  context.strokeStyle = colour('accent')();
  context.lineWidth = 2;
  context.beginPath();
  context.arc(pen.x, pen.y, pen.isDown ? 4 : 8, 0, 2 * Math.PI);
  context.stroke();
}
