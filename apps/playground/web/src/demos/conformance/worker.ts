import { reportAsJson, type Report } from '@rnn/conformance';
import type { BackendInfo } from '@rnn/core';
import { expose } from 'comlink';
import { backends } from '../../backends.ts';
import { allCases, runCases, type News, type Selection } from './run-cases.ts';

/** What this worker offers to the page. */
export interface ConformanceWorker {
  /** Starts a backend, says what it is, and ends it; fails with a reason. */
  describe(backend: string): Promise<BackendInfo>;
  run(backend: string, pack: ArrayBuffer, selection: Selection, tell: (news: News) => void): Promise<void>;
  /** A report as JSON. */
  write(report: Report): string;
}

const worker: ConformanceWorker = {
  async describe(name) {
    const backend = await backends[name]();
    const { info } = backend;
    await backend.dispose();
    return info;
  },
  run: (name, pack, selection, tell) => runCases(backends[name], allCases(pack), selection, tell),
  write: reportAsJson,
};
expose(worker);
