/**
 * Runs the suite on a backend whose text it is given. The page starts it from a `data:` address: it
 * has no origin then, so the code that it runs can reach nothing that the site keeps.
 */
import { reportAsJson, type BackendFactory } from '@rnn/conformance';
import { expose } from 'comlink';
import { allCases, runCases } from '../demos/conformance/run-cases.ts';
import type { ConformanceWorker } from '../demos/conformance/worker.ts';
import { ownBackend as texts } from '../texts/en/own-backend.ts';

const worker: ConformanceWorker = {
  async describe(text) {
    const factory = await factoryOf(text);
    const backend = await factory();
    const { info } = backend;
    await backend.dispose();
    return info;
  },
  async run(text, pack, selection, tell) {
    await runCases(await factoryOf(text), allCases(pack), selection, tell);
  },
  write: reportAsJson,
};
expose(worker);

/** The default export of a module's text. */
async function factoryOf(text: string): Promise<BackendFactory> {
  let exports: Record<string, unknown>;
  try {
    exports = (await import(
      /* @vite-ignore */ `data:text/javascript;charset=utf-8,${encodeURIComponent(text)}`
    )) as Record<string, unknown>;
  } catch (error) {
    throw new Error(texts.noModule(error instanceof Error ? error.message : String(error)), { cause: error });
  }
  const made = exports.default;
  if (typeof made !== 'function') throw new Error(texts.noFactory(Object.keys(exports)));
  // What it makes is what the suite is there to judge.
  return made as BackendFactory;
}
