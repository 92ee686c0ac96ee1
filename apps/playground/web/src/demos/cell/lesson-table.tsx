import type { VNode } from 'preact';
import { bareNumbers, isSame } from '../../../../src/chapters/comparison.ts';
import type { LessonResult } from '../../../../src/chapters/lesson.ts';
import { cell as texts } from '../../texts/en/cell.ts';

/** What the lesson prints here and in PyTorch. */
export function LessonTable({ result }: { readonly result: LessonResult }): VNode {
  const all = [...result.draws, ...result.lines, ...result.gradients];
  return (
    <>
      <p>{texts.same(all.filter(isSame).length, all.length)}</p>
      <div class="wide" tabIndex={0} role="group" aria-label={texts.table}>
        <table class="lesson">
          <thead>
            <tr>
              <td />
              <th scope="col">@rnn</th>
              <th scope="col">PyTorch</th>
            </tr>
          </thead>
          <tbody>
            {all.map((comparison, i) => (
              <tr key={i}>
                <th scope="row">
                  {i < all.length - result.gradients.length ? comparison.name : `d ${comparison.name}`}
                </th>
                <td>
                  <pre>{bareNumbers(comparison.here)}</pre>
                </td>
                <td>
                  <pre>{bareNumbers(comparison.torch)}</pre>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
