import { ArgumentError } from '@rnn/core';
import { checkOptions, checkText, refuse } from '@rnn/core/checks';
import { Presets, SingleBar } from 'cli-progress';
import type { FitCallback } from '../loop/fit-event.js';
import type { EpochRecord } from '../loop/history.js';
import { ProgressCounter, shownLoss } from './run-progress.js';

/** Where a progress is written to: a stream of Node. */
interface TextStream {
  write(text: string): unknown;
  /** Whether it is a terminal. */
  readonly isTTY?: boolean;
}

export interface ProgressBarOptions {
  /** Where to; the standard error unless given. */
  readonly stream?: TextStream;
  /** What stands before the bar; nothing unless given. */
  readonly name?: string;
}

/**
 * Shows a training in a terminal: a bar with the steps, the loss and the time that is left, then
 * one line that stays. Where the stream is no terminal (a file, a pipe), there is a line for each
 * pass.
 *
 * @example
 * ```ts
 * await fit(model, data, { ...options, callbacks: [progressBar()] });
 * await fitInWorker(url, { onEvent: progressBar({ name: 'LSTM' }) });
 * ```
 * @param options - `stream` the standard error, `name`
 * @returns a function of events; one for each training
 * @throws ArgumentError when an option makes no sense
 *
 * The bar is that of the package `cli-progress`. Differs from PyTorch: has no counterpart there.
 */
export function progressBar(options: ProgressBarOptions = {}): FitCallback {
  checkOptions('progressBar', options, ['stream', 'name']);
  const { stream = process.stderr, name } = options;
  if (name !== undefined) checkText('progressBar', 'name', name);
  if (typeof (stream as Partial<TextStream> | null)?.write !== 'function') {
    refuse(ArgumentError, 'progressBar', 'stream', { value: stream, expected: 'a stream such as process.stderr' });
  }
  const before = name === undefined ? '' : `${name} `;
  const counter = new ProgressCounter();
  let bar: SingleBar | undefined;
  let seconds = 0;
  return (event) => {
    counter.note(event);
    const { done, total, unit, loss } = counter.progress;
    if (event.type === 'begin' && stream.isTTY === true) {
      bar = barOn(stream, before);
      bar.start(total, done, { loss: '', unit });
    }
    bar?.setTotal(total);
    bar?.update(done, { loss: shownLoss(loss), unit });
    if (event.type === 'step' || event.type === 'epoch') ({ seconds } = event);
    if (event.type === 'epoch' && bar === undefined) stream.write(`${before}${lineOf(event)}\n`);
    if (event.type !== 'end' && event.type !== 'error') return;
    bar?.stop();
    bar = undefined;
    const how = event.type === 'error' ? 'failed' : event.history.stopped;
    const last = loss === undefined ? '' : `, loss ${shownLoss(loss)}`;
    stream.write(`${before}${how}: ${done} ${unit}${last}, ${seconds.toFixed(1)} s\n`);
  };
}

function barOn(stream: TextStream, before: string): SingleBar {
  return new SingleBar(
    {
      stream: stream as NodeJS.WritableStream,
      format: `${before}{bar} {value}/{total} {unit}  loss {loss}  {eta_formatted} left`,
      barsize: 30,
      clearOnComplete: true,
      // The bar fits the line; whoever interrupts it keeps the terminal as it was.
      linewrap: true,
    },
    Presets.shades_classic,
  );
}

function lineOf({ epoch, loss, validation = {} }: EpochRecord): string {
  const measures = Object.entries(validation).map(([name, value]) => `, validation ${name} ${shownLoss(value)}`);
  return `epoch ${epoch}: loss ${shownLoss(loss)}${measures.join('')}`;
}
