import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useRef } from 'preact/hooks';

export interface NumberGridProps {
  /** What it shows, for those who do not see it. */
  readonly label: string;
  /** Row by row; a vector is a column. */
  readonly values: ArrayLike<number>;
  readonly shape: readonly number[];
  /** The size of a value whose colour is full; 1 unless given. */
  readonly scale?: number;
  /** The cell that is chosen, by its indices. */
  readonly chosen?: readonly number[];
  /** Whether all of it is lit. */
  readonly isLit?: boolean;
  /** Called with the indices of the cell that is clicked, or chosen by Enter. */
  readonly onChoose?: (index: readonly number[]) => void;
  /** Called when the pointer or the focus comes and goes. */
  readonly onHover?: (isInside: boolean) => void;
}

const moves: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/**
 * A small matrix: numbers that are coloured by their size. The arrow keys lead from cell to cell.
 */
export function NumberGrid(props: NumberGridProps): VNode {
  const { label, values, shape, scale = 1, chosen, isLit = false, onChoose, onHover } = props;
  const [rows, columns] = shape.length === 2 ? shape : [shape[0] ?? 1, 1];
  const place = useSignal<readonly [row: number, column: number]>([0, 0]);
  const table = useRef<HTMLTableElement>(null);
  const indexOf = (row: number, column: number): readonly number[] =>
    shape.length === 2 ? [row, column] : shape.length === 1 ? [row] : [];
  const onKeyDown = (event: KeyboardEvent): void => {
    const [row, column] = place.value;
    const move = moves[event.key];
    if (event.key === 'Enter' || event.key === ' ') onChoose?.(indexOf(row, column));
    else if (move !== undefined) {
      const within = (i: number, count: number): number => Math.max(0, Math.min(count - 1, i));
      const [r, c] = [within(row + move[0], rows), within(column + move[1], columns)];
      place.value = [r, c];
      table.current?.rows[r]?.cells[c]?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <table
      ref={table}
      class={isLit ? 'number-grid lit' : 'number-grid'}
      role="grid"
      aria-label={label}
      onKeyDown={onKeyDown}
      onMouseEnter={() => onHover?.(true)}
      onMouseLeave={() => onHover?.(false)}
      onFocusCapture={() => onHover?.(true)}
      onBlurCapture={() => onHover?.(false)}
    >
      <tbody>
        {Array.from({ length: rows }, (_, row) => (
          <tr key={row} role="row">
            {Array.from({ length: columns }, (_, column) => {
              const value = values[row * columns + column];
              const index = indexOf(row, column);
              const isChosen = chosen !== undefined && chosen.join() === index.join();
              const [r, c] = place.value;
              const isPlace = Math.min(r, rows - 1) === row && Math.min(c, columns - 1) === column;
              return (
                <td
                  key={column}
                  role="gridcell"
                  tabIndex={isPlace ? 0 : -1}
                  aria-selected={isChosen}
                  class={value < 0 ? 'negative' : 'positive'}
                  style={{ '--share': String(Math.min(1, Math.abs(value) / scale)) }}
                  onFocus={() => (place.value = [row, column])}
                  onClick={() => onChoose?.(index)}
                >
                  {value.toFixed(2)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
