import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { palette } from './colour.ts';

export interface HeatMapProps {
  /** What it shows, for those who do not see it. */
  readonly label: string;
  /** Row by row: `values[row * columns + column]`. */
  readonly values: ArrayLike<number>;
  readonly rows: number;
  readonly columns: number;
  /** The size of a value whose colour is full; the largest of the values unless given. */
  readonly scale?: number;
  /** What rows and columns are called in the text below: `unit 3`, `the letter e`. */
  readonly rowName?: (row: number) => string;
  readonly columnName?: (column: number) => string;
  /** Names that stand beside the rows, and below the columns; none unless given. */
  readonly rowLabels?: readonly string[];
  readonly columnLabels?: readonly string[];
  /** Pixels of a row; 12 unless given. */
  readonly rowHeight?: number;
  /** A column that is marked. */
  readonly marked?: number;
  readonly format?: (value: number) => string;
  /** Called with the cell under the pointer or the keyboard's cursor. */
  readonly onHover?: (cell: Cell | undefined) => void;
  /** Called with the cell that is clicked, or chosen by Enter. */
  readonly onChoose?: (cell: Cell) => void;
}

interface Cell {
  readonly row: number;
  readonly column: number;
}

const arrows: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/**
 * Numbers as colours. A value is read by hovering, or by the arrow keys; its text below is read out
 * as well.
 */
export function HeatMap(props: HeatMapProps): VNode {
  const { label, values, rows, columns, rowHeight = 12 } = props;
  const {
    rowName = (row) => `row ${row}`,
    columnName = (column) => `column ${column}`,
    format = (value) => value.toFixed(3),
  } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const cell = useSignal<Cell | undefined>(undefined);
  const scale = props.scale ?? largest(values);

  useEffect(() => {
    const draw = (): void => {
      if (canvas.current !== null) paint(canvas.current, props, scale);
    };
    draw();
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    return () => scheme.removeEventListener('change', draw);
  }, [values, rows, columns, scale]);

  const show = (next: Cell | undefined): void => {
    if (next?.row === cell.value?.row && next?.column === cell.value?.column) return;
    cell.value = next;
    props.onHover?.(next);
  };
  const under = (event: MouseEvent & { currentTarget: EventTarget }): Cell => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const at = (share: number, count: number): number => Math.max(0, Math.min(count - 1, Math.floor(share * count)));
    return {
      row: at((event.clientY - box.top) / box.height, rows),
      column: at((event.clientX - box.left) / box.width, columns),
    };
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const move = arrows[event.key];
    if (move !== undefined) {
      const { row, column } = cell.value ?? { row: 0, column: 0 };
      const within = (i: number, count: number): number => Math.max(0, Math.min(count - 1, i));
      show({ row: within(row + move[0], rows), column: within(column + move[1], columns) });
    } else if (event.key === 'Enter' && cell.value !== undefined) props.onChoose?.(cell.value);
    else return;
    event.preventDefault();
  };
  const at = cell.value;
  // There may be none yet, or fewer than when the pointer came.
  const isInside = at !== undefined && at.column < columns && at.row * columns + at.column < values.length;
  const place = useRef<HTMLDivElement>(null);
  // Before anything is drawn: a canvas without a height pushes all that follows away and back.
  useLayoutEffect(() => place.current?.style.setProperty('height', `${rows * rowHeight}px`), [rows, rowHeight]);
  useLayoutEffect(() => {
    const { style } = place.current ?? {};
    style?.setProperty('--marked', props.marked === undefined ? '-1' : String((props.marked + 0.5) / columns));
  }, [props.marked, columns]);

  return (
    <div class={props.rowLabels === undefined ? 'heat-map' : 'heat-map labelled'}>
      {props.rowLabels !== undefined && (
        <ol class="row-labels" aria-hidden="true">
          {props.rowLabels.map((name, row) => (
            <li key={row}>{name}</li>
          ))}
        </ol>
      )}
      <div
        ref={place}
        class={props.marked === undefined ? 'cells' : 'cells marked'}
        tabIndex={0}
        role="application"
        aria-roledescription="heat map"
        aria-label={`${label}. ${inWords(values, rows, columns, format)}`}
        onMouseMove={(event) => show(under(event))}
        onMouseLeave={() => show(undefined)}
        onClick={(event) => props.onChoose?.(under(event))}
        onKeyDown={onKeyDown}
        onBlur={() => show(undefined)}
      >
        <canvas ref={canvas} width={Math.max(columns, 1)} height={Math.max(rows, 1)} />
      </div>
      {props.columnLabels !== undefined && (
        <ol class="column-labels" aria-hidden="true">
          {props.columnLabels.map((name, column) => (
            <li key={column}>{name}</li>
          ))}
        </ol>
      )}
      <div class="below">
        <p class="reading" aria-live="polite">
          {isInside
            ? `${rowName(at.row)}, ${columnName(at.column)}: ${format(values[at.row * columns + at.column])}`
            : '\u00a0'}
        </p>
        <Key scale={scale} isSigned={values.length === 0 || isSigned(values)} />
      </div>
    </div>
  );
}

/** What the colours stand for. */
function Key({ scale, isSigned }: { readonly scale: number; readonly isSigned: boolean }): VNode {
  const most = Number(scale.toPrecision(2));
  return (
    <p class="key" aria-hidden="true">
      {isSigned ? `−${most}` : 0} <span class={isSigned ? 'colours signed' : 'colours'} /> {most}
    </p>
  );
}

function isSigned(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (values[i] < 0) return true;
  return false;
}

function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most || 1;
}

function paint(canvas: HTMLCanvasElement, { values, rows, columns }: HeatMapProps, scale: number): void {
  const context = canvas.getContext('2d');
  if (context === null || rows * columns === 0) return;
  const colourOf = palette();
  const image = context.createImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) {
    const [red, green, blue] = colourOf(values[i] / scale);
    image.data.set([red, green, blue, 255], i * 4);
  }
  context.putImageData(image, 0, 0);
}

function inWords(values: ArrayLike<number>, rows: number, columns: number, format: (value: number) => string): string {
  if (values.length === 0) return 'No values yet.';
  let [least, most, sum] = [Infinity, -Infinity, 0];
  for (let i = 0; i < values.length; i++) {
    least = Math.min(least, values[i]);
    most = Math.max(most, values[i]);
    sum += values[i];
  }
  return (
    `${rows} rows, ${columns} columns, values from ${format(least)} to ${format(most)}, ` +
    `mean ${format(sum / values.length)}. The arrow keys read single values.`
  );
}
