import type { VNode } from 'preact';
import { useSetting } from '../../shell/address.ts';
import { CodePanel } from '../../shell/code-panel.tsx';
import { useDroppedFiles } from '../../shell/drop.ts';
import { ErrorNotice } from '../../shell/error-notice.tsx';
import { listenTexts as texts } from '../../texts/en/listen.ts';
import { FileButton } from '../../views/file-button.tsx';
// oxlint-disable-next-line import/default -- Vite gives the text of the file
import code from './code.ts?raw';
import { frameSeconds } from './heard.ts';
import { MovingMap } from './moving-map.tsx';
import { useListening } from './use-listening.ts';

/** Seconds without speech after which a microphone may be muted. */
const patience = 3;

/** A voice detector hears the microphone, a file or an example, and shows its cells. */
export default function Listen(): VNode {
  const { heard, count, isListening, isMicrophone, rate, fault, start, startExample, stop } = useListening();
  useDroppedFiles(undefined, start);
  const kind = useSetting<string>('cells', 'h');
  const shown = kind.value === 'c' ? 'c' : 'h';
  const summary = (): string => {
    const all = count * frameSeconds;
    if (heard.spoken > 0) return texts.summary(heard.spoken, all);
    if (!isListening) return texts.noSpeech(all);
    return isMicrophone && all > patience ? texts.muted : texts.summary(0, all);
  };
  return (
    <>
      <p>{texts.lead}</p>
      <section class="card">
        <div class="controls">
          <button type="button" class="primary" onClick={startExample}>
            {texts.example}
          </button>
          <button type="button" onClick={() => start('microphone')}>
            {texts.microphone}
          </button>
          <FileButton label={texts.file} accept="audio/*" onFile={start} />
          <button type="button" aria-disabled={!isListening} onClick={stop}>
            {texts.stop}
          </button>
        </div>
        {fault !== undefined && <ErrorNotice message={fault} />}
        <p class="voice">
          {count === 0 ? (
            <span class="quiet">{texts.nobody}</span>
          ) : (
            <>
              <strong>{Math.round(100 * heard.probability)} %</strong> {texts.probability}
              <span class="quiet small"> {summary()}</span>
            </>
          )}
        </p>
        <MovingMap heard={heard} count={count} kind={shown} />
        <div class="controls">
          <label>
            {texts.show}
            <select value={shown} onChange={({ currentTarget }) => (kind.value = currentTarget.value)}>
              <option value="h">{texts.h}</option>
              <option value="c">{texts.c}</option>
            </select>
          </label>
        </div>
        <p class="quiet small">{texts.hint}</p>
        <p class="quiet small listen-rate">{rate === undefined ? '\u00a0' : texts.rate(rate)}</p>
        <p class="quiet small">{texts.credit}</p>
      </section>
      <CodePanel code={code} packages={['@rnn/core', '@rnn/backend-cpu', '@rnn/io']} />
    </>
  );
}
