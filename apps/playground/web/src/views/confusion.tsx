import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

export interface ConfusionProps {
  /** What it shows, for those who do not see it. */
  readonly label: string;
  /** How often each class was taken for each: a row for each true class. */
  readonly counts: readonly (readonly number[])[];
  readonly rowTitle: string;
  readonly columnTitle: string;
  readonly className: (index: number) => string;
  /** The cell that is chosen. */
  readonly chosen?: readonly [row: number, column: number];
  readonly onChoose?: (row: number, column: number) => void;
}

/** A confusion matrix: right answers along the diagonal, in colour by their share of the row. */
export function Confusion(props: ConfusionProps): VNode {
  const { label, counts, rowTitle, columnTitle, className, chosen, onChoose } = props;
  const body = useRef<HTMLTableSectionElement>(null);
  // The page's policy allows no style attributes in what is written; properties may be set.
  useEffect(() => {
    for (const cell of body.current?.querySelectorAll<HTMLElement>('td') ?? []) {
      cell.style.setProperty('--share', cell.dataset.share ?? '0');
    }
  });
  return (
    <div class="confusion" role="region" aria-label={label} tabIndex={0}>
      <table>
        <caption class="small quiet">{`${rowTitle} ↓ ${columnTitle} →`}</caption>
        <thead>
          <tr>
            <td />
            {counts.map((_, column) => (
              <th key={column} scope="col">
                {className(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body}>
          {counts.map((row, truth) => {
            const sum = row.reduce((total, count) => total + count, 0);
            return (
              <tr key={truth}>
                <th scope="row">{className(truth)}</th>
                {row.map((count, guess) => (
                  <td
                    key={guess}
                    class={truth === guess ? 'right' : 'wrong'}
                    data-share={sum === 0 ? 0 : Math.sqrt(count / sum).toFixed(3)}
                  >
                    <button
                      type="button"
                      aria-disabled={count === 0}
                      tabIndex={count === 0 ? -1 : 0}
                      aria-pressed={chosen?.[0] === truth && chosen[1] === guess}
                      aria-label={`${rowTitle} ${className(truth)}, ${columnTitle} ${className(guess)}: ${count}`}
                      onClick={() => count > 0 && onChoose?.(truth, guess)}
                    >
                      {count === 0 ? '' : count}
                    </button>
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
