import { readFile } from 'node:fs/promises';
import { runBackends } from './chapters/backends.ts';
import type { ChapterContext } from './chapters/context.ts';
import { runFiles } from './chapters/files.ts';
import { runGradients } from './chapters/gradients.ts';
import { runLesson } from './chapters/lesson.ts';
import { runSunspots } from './chapters/sunspots.ts';
import { runVowels } from './chapters/vowels.ts';
import { withFileTools } from './data/file-tools.ts';
import type { Excerpt } from './terminal/code.ts';
import type { Screen } from './terminal/screen.ts';
import { showBackends, summariseBackends } from './terminal/show-backends.ts';
import { showFiles, summariseFiles } from './terminal/show-files.ts';
import { showGradients, summariseGradients } from './terminal/show-gradients.ts';
import { showLesson, summariseLesson } from './terminal/show-lesson.ts';
import { showSunspots, summariseSunspots } from './terminal/show-sunspots.ts';
import { showVowels, summariseVowels } from './terminal/show-vowels.ts';
import type { Summary } from './terminal/summary.ts';

/** A chapter together with the way in which the terminal shows it. */
export interface Stop {
  /** What `--only` calls it, beside its number. */
  readonly name: string;
  readonly title: string;
  /** The lines that do it, for `--code`. */
  readonly code: readonly Excerpt[];
  /** Runs the chapter, shows what came out, and returns its lines of the closing table. */
  readonly visit: (context: ChapterContext, screen: Screen) => Promise<Summary[]>;
}

/** The tour in its order; a stop's number is its place. */
export const stops: readonly Stop[] = [
  {
    name: 'lesson',
    title: "A lesson's RNN cell, line by line",
    code: [{ file: 'simple-rnn-cell.ts', names: ['SimpleRNNCell'] }],
    visit: async (context, screen) => {
      const result = await runLesson(context);
      const source = await readFile(new URL('chapters/simple-rnn-cell.ts', import.meta.url), 'utf8');
      showLesson(screen, result, source);
      return summariseLesson(result);
    },
  },
  {
    name: 'sunspots',
    title: 'RNN, LSTM and GRU forecast sunspots',
    code: [
      { file: 'forecaster.ts', names: ['Forecaster'] },
      { file: 'forecasting.ts', names: ['learnSeries'] },
    ],
    visit: async (context, screen) => {
      const result = await runSunspots(context);
      showSunspots(screen, result);
      return summariseSunspots(result);
    },
  },
  {
    name: 'vowels',
    title: 'A GRU tells nine speakers apart',
    code: [{ file: 'vowels.ts', names: ['SpeakerClassifier', 'learn'] }],
    visit: async (context, screen) => {
      const result = await runVowels(context);
      showVowels(screen, result);
      return summariseVowels(result);
    },
  },
  {
    name: 'gradients',
    title: 'Why plain RNNs forget',
    code: [{ file: 'gradients.ts', names: ['gradientNorms'] }],
    visit: async (context, screen) => {
      const result = await runGradients(context);
      showGradients(screen, result);
      return summariseGradients(result);
    },
  },
  {
    name: 'backends',
    title: 'The same numbers on every backend',
    code: [{ file: 'training.ts', names: ['train'] }],
    visit: async (context, screen) => {
      const result = await runBackends(context);
      showBackends(screen, result);
      return summariseBackends(result);
    },
  },
  {
    name: 'files',
    title: 'Into files, and into other programs',
    code: [{ file: 'files.ts', names: ['LastStep', 'fromPyTorch'] }],
    visit: async (context, screen) => {
      const result = await withFileTools((tools) => runFiles(context, tools));
      showFiles(screen, result);
      return summariseFiles(result);
    },
  },
];
