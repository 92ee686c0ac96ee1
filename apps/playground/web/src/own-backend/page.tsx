import { batch, useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { SuitePanel } from '../demos/conformance/suite-panel.tsx';
import { Suite } from '../demos/conformance/suite.ts';
import { device, reasonFor } from '../shell/device.ts';
import { dropNotice, hearDrops, useDroppedFiles } from '../shell/drop.ts';
import { ErrorNotice } from '../shell/error-notice.tsx';
import { ownBackend as texts } from '../texts/en/own-backend.ts';
import { FileButton } from '../views/file-button.tsx';

/** The worker's script, as it stands in the build; it becomes an address of its own. */
const script = fetch(new URL('own-backend-worker.js', document.baseURI)).then((response) => response.text());

/** Asks for a module, tries it, and lets the suite run on what it makes. */
export function OwnBackend(): VNode {
  const address = useSignal('');
  const filter = useSignal('');
  /** What is being started. */
  const pending = useSignal<string | undefined>(undefined);
  const suite = useSignal<Suite | undefined>(undefined);
  const failure = useSignal<string | undefined>(undefined);
  /** Counts the modules: only the last one matters. */
  const wishes = useRef(0);

  const take = async (name: string, read: () => Promise<string>): Promise<void> => {
    const wish = ++wishes.current;
    suite.value?.end();
    batch(() => {
      suite.value = undefined;
      failure.value = undefined;
      dropNotice.value = undefined;
      pending.value = name;
    });
    try {
      const text = await read();
      const worker = `data:text/javascript;charset=utf-8,${encodeURIComponent(await script)}`;
      const next = new Suite(() => new Worker(worker, { type: 'module' }));
      starting.current = next;
      await next.start(text);
      if (wish === wishes.current) suite.value = next;
    } catch (error) {
      if (wish === wishes.current) failure.value = `${texts.notLoaded(name)} ${reasonFor(error)}`;
    } finally {
      if (wish === wishes.current) pending.value = undefined;
    }
  };
  const starting = useRef<Suite | undefined>(undefined);
  const giveUp = (): void => {
    wishes.current++;
    starting.current?.end();
    pending.value = undefined;
  };
  const open = (file: File): void => void take(file.name, () => file.text());
  useEffect(hearDrops, []);
  useDroppedFiles(undefined, open);
  useEffect(() => {
    document.documentElement.dataset.ready = '';
  }, []);

  const info = device.value;
  return (
    <main id="demo">
      <p>
        <a href="./#/conformance">{texts.back}</a>
      </p>
      <h1>{texts.title}</h1>
      <p>{texts.what}</p>
      <section class="card drop">
        <p>
          {texts.form} <code>{texts.bundle}</code>.{' '}
          <a href="https://github.com/rnn-ts/rnn/blob/main/docs/new-backend.md">{texts.guide}</a>
        </p>
        <div class="controls">
          <FileButton label={texts.choose} accept=".js,.mjs,text/javascript" onFile={open} />
          <span class="quiet small">{texts.drop}</span>
        </div>
        <form
          class="controls"
          onSubmit={(event) => {
            event.preventDefault();
            void take(address.value, () => fetched(address.value));
          }}
        >
          <label>
            {texts.address}
            <input
              type="url"
              required
              value={address.value}
              placeholder={texts.placeholder}
              onInput={({ currentTarget }) => (address.value = currentTarget.value)}
            />
          </label>
          <button type="submit">{texts.load}</button>
        </form>
        <div role="status">
          {pending.value !== undefined && (
            <p>
              {texts.loading(pending.value)}{' '}
              <button type="button" onClick={giveUp}>
                {texts.giveUp}
              </button>
            </p>
          )}
          {suite.value !== undefined && info !== undefined && (
            <p>{texts.runs(info.name, info.device, info.dtypes.join(', '))}</p>
          )}
        </div>
        {failure.value !== undefined && <ErrorNotice message={failure.value} />}
      </section>
      {suite.value !== undefined && (
        <SuiteOf suite={suite.value} filter={filter.value} onFilter={(next) => (filter.value = next)} />
      )}
    </main>
  );
}

interface SuiteOfProps {
  readonly suite: Suite;
  readonly filter: string;
  readonly onFilter: (filter: string) => void;
}

function SuiteOf({ suite, filter, onFilter }: SuiteOfProps): VNode {
  const name = useMemo(() => device.peek()?.name ?? '', [suite]);
  return (
    <div class="conformance-demo">
      <SuitePanel suite={suite} name={name} filter={filter} onFilter={onFilter} />
    </div>
  );
}

async function fetched(address: string): Promise<string> {
  let response: Response;
  try {
    response = await fetch(address);
  } catch (error) {
    throw new Error(texts.notReached(error instanceof Error ? error.message : String(error)), { cause: error });
  }
  if (!response.ok) throw new Error(texts.notReached(String(response.status)));
  return response.text();
}
