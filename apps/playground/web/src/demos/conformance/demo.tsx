import type { VNode } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { backend, useSetting } from '../../shell/address.ts';
import { CodePanel } from '../../shell/code-panel.tsx';
import { deviceNotice, startFirst } from '../../shell/device.ts';
import { ErrorNotice } from '../../shell/error-notice.tsx';
import { openRun } from '../../shell/run.ts';
import { conformance as texts } from '../../texts/en/conformance.ts';
// oxlint-disable-next-line import/default -- Vite makes the file's text its default export
import code from './code.ts?raw';
import { Failures, GroupTable, Skips } from './result-views.tsx';
import { Suite } from './suite.ts';
import './conformance.css';

export default function Conformance(): VNode {
  const filter = useSetting('filter', '');
  const suite = useMemo(
    () => new Suite(() => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })),
    [],
  );
  useEffect(() => {
    openRun.value = suite;
    suite.ready = startFirst(backend.value, (name) => suite.start(name)).catch((error: unknown) => suite.fail(error));
    return () => {
      if (openRun.peek() === suite) openRun.value = undefined;
      deviceNotice.value = undefined;
      suite.end();
    };
  }, [suite]);
  useEffect(() => {
    suite.filter = filter.value.trim();
    void suite.reset();
  }, [filter.value]);

  const { results, total, groups, playing } = suite.state.value;
  const count = (status: string): number => results.filter((one) => one.status === status).length;
  const isOver = total !== undefined && results.length >= total;
  const [passed, failed, skipped] = [count('passed'), count('failed'), count('skipped')];
  return (
    <div class="conformance-demo">
      <p>
        {texts.what} {texts.how}
      </p>
      <section class="card">
        <div class="controls">
          <label>
            {texts.filter}
            <input
              type="text"
              value={filter.value}
              placeholder={texts.placeholder}
              spellcheck={false}
              onChange={({ currentTarget }) => (filter.value = currentTarget.value)}
            />
          </label>
          <button type="button" class="primary run-cases" onClick={() => void (playing ? suite.pause() : suite.play())}>
            {playing ? texts.stop : results.length > 0 && !isOver ? texts.goOn : texts.run}
          </button>
        </div>
        <p class="controls">
          {texts.try}
          {texts.tries.map((text) => (
            <button key={text} type="button" onClick={() => (filter.value = text)}>
              {text}
            </button>
          ))}
        </p>
        <progress aria-label={texts.progress} max={Math.max(total ?? 1, 1)} value={results.length} />
        <p class="done">{total === 0 ? texts.nothingFits(suite.filter) : texts.done(results.length, total)}</p>
        <p class="counts">{texts.counts(passed, failed, skipped)}</p>
        <p class="verdict" role="status">
          {isOver && total > 0 && texts.verdict(suite.progress.value?.backend ?? '', passed, failed)}
        </p>
        {suite.error.value !== undefined && <ErrorNotice message={suite.error.value} />}
        <button type="button" disabled={results.length === 0} onClick={() => void download(suite)}>
          {texts.download}
        </button>
      </section>
      <section class="card">
        <h3>{texts.own}</h3>
        <p>{texts.ownWhat}</p>
        <pre tabIndex={0} role="region" aria-label={texts.own}>
          <code>{texts.ownCommand}</code>
        </pre>
        <p>
          <a href="https://github.com/rnn-ts/rnn/blob/main/docs/new-backend.md">{texts.ownGuide}</a>
        </p>
      </section>
      <CodePanel code={code} packages={['@rnn/backend-cpu', '@rnn/conformance']} />
      {results.length > 0 && (
        <section class="card results">
          <h3>{texts.groups}</h3>
          <GroupTable groups={groups} />
          <Failures results={results} />
          <Skips results={results} />
        </section>
      )}
    </div>
  );
}

async function download(suite: Suite): Promise<void> {
  const address = URL.createObjectURL(new Blob([await suite.report()], { type: 'application/json' }));
  const name = `conformance-${suite.progress.peek()?.backend ?? 'backend'}.json`;
  Object.assign(document.createElement('a'), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
