/** The page's side of a run whose device is at a step that takes long. */
import { expose } from 'comlink';
import { expect, test } from 'vitest';
import type { Experiment, Progress } from '../web/src/experiment/experiment.ts';
import { Session } from '../web/src/experiment/session.ts';

type Report = (progress: Progress<undefined>) => void;

test('a stop is shown while the step under way takes long, and what comes late does not undo it', async () => {
  const { port1, port2 } = new MessageChannel();
  let report: Report = () => {};
  const worker = {
    begin(_options: unknown, _backend: string, tell: Report) {
      report = tell;
    },
    // Busy: it answers nobody.
    pause: () => new Promise(() => {}),
    play() {},
  };
  expose(worker, port2);
  const session = new Session<Experiment, object>(Object.assign(port1, { terminate() {} }) as unknown as Worker);
  const tell = (step: number): void =>
    report({
      step,
      loss: 1,
      losses: [],
      backend: 'cpu',
      stepsPerSecond: 1,
      playing: true,
      error: undefined,
      view: undefined,
    });
  const shown = (): unknown => [session.progress.value?.step, session.progress.value?.playing];
  await session.begin({ seed: 1, settings: {} }, 'cpu', true);
  tell(1);
  await expect.poll(shown).toEqual([1, true]);
  void session.pause();
  await expect.poll(shown).toEqual([1, false]);
  tell(2);
  await expect.poll(shown).toEqual([2, false]);
  await session.play();
  tell(3);
  await expect.poll(shown).toEqual([3, true]);
  port1.close();
});
