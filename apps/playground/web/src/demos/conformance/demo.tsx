import type { VNode } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { backend, useSetting } from '../../shell/address.ts';
import { CodePanel } from '../../shell/code-panel.tsx';
import { deviceNotice, startFirst } from '../../shell/device.ts';
import { openRun } from '../../shell/run.ts';
import { startWorker } from '../../start-worker.ts';
import { conformance as texts } from '../../texts/en/conformance.ts';
// oxlint-disable-next-line import/default -- Vite makes the file's text its default export
import code from './code.ts?raw';
import { SuitePanel } from './suite-panel.tsx';
import { Suite } from './suite.ts';

export default function Conformance(): VNode {
  const filter = useSetting('filter', '');
  const suite = useMemo(() => new Suite(() => startWorker('conformance')), []);
  useEffect(() => {
    openRun.value = suite;
    suite.ready = startFirst(backend.value, (name) => suite.start(name)).catch((error: unknown) => suite.fail(error));
    return () => {
      if (openRun.peek() === suite) openRun.value = undefined;
      deviceNotice.value = undefined;
      suite.end();
    };
  }, [suite]);

  return (
    <div class="conformance-demo">
      <p>
        {texts.what} {texts.how}
      </p>
      <SuitePanel
        suite={suite}
        name={suite.progress.value?.backend ?? 'backend'}
        filter={filter.value}
        onFilter={(next) => (filter.value = next)}
      >
        <section class="card">
          <h3>{texts.own}</h3>
          <p>
            {texts.ownWhat} <a href="./own-backend.html">{texts.ownPage}</a>
          </p>
          <p>{texts.ownTerminal}</p>
          <pre tabIndex={0} role="region" aria-label={texts.own}>
            <code>{texts.ownCommand}</code>
          </pre>
          <p>
            <a href="https://github.com/rnn-ts/rnn/blob/main/docs/new-backend.md">{texts.ownGuide}</a>
          </p>
        </section>
        <CodePanel code={code} packages={['@rnn/backend-cpu', '@rnn/conformance']} />
      </SuitePanel>
    </div>
  );
}
