/** Runs cells, away from the page's main thread. */
import { setBackend, type Backend, type BackendInfo } from '@rnn/core';
import { expose } from 'comlink';
import { runLesson, type LessonResult } from '../../../../src/chapters/lesson.ts';
import { backends } from '../../backends.ts';
import { readData } from '../../data.ts';
import { runCell, type CellAnswer, type CellRequest } from './trace.ts';

const started = new Map<string, Promise<Backend>>();

function start(name: string): Promise<Backend> {
  const backend = started.get(name) ?? backends[name]();
  started.set(name, backend);
  backend.catch(() => started.delete(name));
  return backend;
}

/** What the worker does, one thing after the other: tensors are made on one backend at a time. */
let last: Promise<unknown> = Promise.resolve();

function inTurn<R>(name: string, work: (backend: Backend) => Promise<R>): Promise<R> {
  const result = last.then(async () => {
    const backend = await start(name);
    setBackend(backend);
    return work(backend);
  });
  last = result.catch(() => {});
  return result;
}

const worker = {
  start: async (name: string): Promise<BackendInfo> => (await start(name)).info,
  run: (request: CellRequest, name: string): Promise<CellAnswer> => inTurn(name, () => runCell(request)),
  /** The lesson as the terminal's tour runs it, beside what PyTorch printed. */
  lesson: (name: string): Promise<LessonResult> => inTurn(name, (backend) => runLesson({ backend, read: readData })),
};

export type CellWorker = typeof worker;

expose(worker);
