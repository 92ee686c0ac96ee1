import { ArgumentError } from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import type { FitCallback } from '../loop/fit-event.js';
import { ProgressCounter, shownLoss } from './run-progress.js';

/** What shows a share of a whole: a `<progress>` element. */
interface ShareElement {
  value: number;
  max: number;
}

/** What shows a text: any element. */
interface TextElement {
  textContent: string | null;
}

/**
 * Shows a training in a page: a callback for `fit`, or `onEvent` of `fitInWorker`.
 *
 * @example
 * ```ts
 * const bar = document.querySelector('progress')!;
 * await fit(model, data, {
 *   ...options,
 *   callbacks: [progressElement(bar, document.querySelector('output')!)],
 * });
 * ```
 * @param element - a `<progress>` element
 * @param text - any element, whose text becomes `120 of 600 steps, loss 0.034`; may be left out
 * @returns a function of events
 * @throws ArgumentError when there is no element
 *
 * Differs from PyTorch: has no counterpart there.
 */
export function progressElement(element: ShareElement, text?: TextElement): FitCallback {
  if (typeof element !== 'object' || element === null || !('value' in element) || !('max' in element)) {
    refuse(ArgumentError, 'progressElement', 'element', { value: element, expected: 'a <progress> element' });
  }
  if (text !== undefined && (typeof text !== 'object' || text === null || !('textContent' in text))) {
    refuse(ArgumentError, 'progressElement', 'text', { value: text, expected: 'an element' });
  }
  const counter = new ProgressCounter();
  return (event) => {
    counter.note(event);
    const { done, total, unit, loss } = counter.progress;
    // A training that ended early is over all the same.
    element.max = Math.max(1, event.type === 'end' ? done : total);
    element.value = done;
    if (text === undefined) return;
    const failed = event.type === 'error' ? `, failed: ${String(event.error)}` : '';
    text.textContent = `${done} of ${total} ${unit}${loss === undefined ? '' : `, loss ${shownLoss(loss)}`}${failed}`;
  };
}
