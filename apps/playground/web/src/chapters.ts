import type { BackendInfo } from '@rnn/core';
import { proxy, wrap } from 'comlink';
import { BackendSection, backendNames } from './backend-section.ts';
import { find, messageOf, showText } from './elements.ts';
import type { Laboratory } from './laboratory.ts';
import { showLesson } from './lesson-section.ts';
import { showSpeakers } from './speakers.ts';
import { showForecast } from './sunspot-forecast.ts';
import { TrainingSection } from './training-section.ts';

const worker = new Worker(new URL('./laboratory.ts', import.meta.url), { type: 'module' });
const laboratory = wrap<Laboratory>(worker);
let running = false;

const stop = (): void => void laboratory.stop();
const sunspots = new TrainingSection('sunspots', {
  names: backendNames,
  run: (steps, report) => laboratory.sunspots(backend.current, steps, proxy(report)),
  stop,
  show: showForecast,
});
const vowels = new TrainingSection('vowels', {
  names: backendNames,
  run: (steps, report) => laboratory.vowels(backend.current, steps, proxy(report)),
  stop,
  show: showSpeakers,
});
for (const [section, other] of [
  [sunspots, vowels],
  [vowels, sunspots],
] as const) {
  section.onRunning = (isRunning) => {
    running = isRunning;
    other.enabled = !isRunning;
  };
}

const backend = new BackendSection('wasm', choose);
worker.addEventListener('error', ({ message }) => backend.fail(`The page's worker does not run. ${message}`));
void backend.change('wasm').then(() => (document.documentElement.dataset.ready = ''));

/** Starts a backend; a training goes on there, and without one the lesson runs on it. */
async function choose(name: string): Promise<BackendInfo> {
  if (running) return laboratory.moveTo(name);
  sunspots.enabled = vowels.enabled = false;
  try {
    const info = await laboratory.start(name);
    await runLesson(name);
    return info;
  } finally {
    sunspots.enabled = vowels.enabled = true;
  }
}

async function runLesson(name: string): Promise<void> {
  const root = find(document, '#lesson', HTMLElement);
  const error = find(root, '.error', HTMLElement);
  root.dataset.state = 'running';
  showText(error, '');
  try {
    showLesson(await laboratory.lesson(name));
    root.dataset.state = 'done';
  } catch (cause) {
    showText(error, `The lesson ended with an error. ${messageOf(cause)}`);
    root.dataset.state = 'failed';
  }
}
