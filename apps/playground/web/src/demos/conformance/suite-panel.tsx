import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import { ErrorNotice } from '../../shell/error-notice.tsx';
import { conformance as texts } from '../../texts/en/conformance.ts';
import { Failures, GroupTable, Skips } from './result-views.tsx';
import type { Suite } from './suite.ts';
import './conformance.css';

export interface SuitePanelProps {
  readonly suite: Suite;
  /** What the backend is called. */
  readonly name: string;
  readonly filter: string;
  readonly onFilter: (filter: string) => void;
  /** What stands between what is asked and what came of it. */
  readonly children?: VNode | readonly VNode[];
}

/** Asks for cases, runs them, and shows what came of them. */
export function SuitePanel({ suite, name, filter, onFilter, children }: SuitePanelProps): VNode {
  // Before the next key or click: an effect that waits for a frame would end the run it begins.
  useLayoutEffect(() => {
    suite.filter = filter.trim();
    void suite.reset();
  }, [suite, filter]);

  // What is being typed: the panel is drawn again while a backend starts and while cases run.
  const draft = useSignal<string | undefined>(undefined);
  const { results, total, groups, playing } = suite.state.value;
  const count = (status: string): number => results.filter((one) => one.status === status).length;
  const isOver = total !== undefined && results.length >= total;
  const [passed, failed, skipped] = [count('passed'), count('failed'), count('skipped')];
  return (
    <>
      <section class="card">
        <div class="controls">
          <label>
            {texts.filter}
            <input
              type="text"
              value={draft.value ?? filter}
              onInput={({ currentTarget }) => (draft.value = currentTarget.value)}
              placeholder={texts.placeholder}
              spellcheck={false}
              onChange={({ currentTarget }) => {
                draft.value = undefined;
                onFilter(currentTarget.value);
              }}
            />
          </label>
          <button type="button" class="primary run-cases" onClick={() => void (playing ? suite.pause() : suite.play())}>
            {playing ? texts.stop : results.length > 0 && !isOver ? texts.goOn : texts.run}
          </button>
        </div>
        <p class="controls">
          {texts.try}
          {texts.tries.map((text) => (
            <button key={text} type="button" onClick={() => onFilter(text)}>
              {text}
            </button>
          ))}
        </p>
        <progress aria-label={texts.progress} max={Math.max(total ?? 1, 1)} value={results.length} />
        <p class="done">{total === 0 ? texts.nothingFits(suite.filter) : texts.done(results.length, total)}</p>
        <p class="counts">{texts.counts(passed, failed, skipped)}</p>
        <p class="verdict" role="status">
          {isOver && total > 0 && texts.verdict(name, passed, failed)}
        </p>
        {suite.error.value !== undefined && <ErrorNotice message={suite.error.value} />}
        <button type="button" disabled={results.length === 0} onClick={() => void download(suite, name)}>
          {texts.download}
        </button>
      </section>
      {children}
      {results.length > 0 && (
        <section class="card results">
          <h3>{texts.groups}</h3>
          <GroupTable groups={groups} />
          <Failures results={results} />
          <Skips results={results} />
        </section>
      )}
    </>
  );
}

async function download(suite: Suite, name: string): Promise<void> {
  const address = URL.createObjectURL(new Blob([await suite.report()], { type: 'application/json' }));
  Object.assign(document.createElement('a'), { href: address, download: `conformance-${name}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
