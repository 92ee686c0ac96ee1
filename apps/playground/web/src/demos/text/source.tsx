import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useDroppedFiles } from '../../shell/drop.ts';
import { ErrorNotice } from '../../shell/error-notice.tsx';
import { text as words } from '../../texts/en/text.ts';
import { leastCharacters, mostCharacters, textOf, tidied } from './own-text.ts';
import { FileButton } from '../../views/file-button.tsx';

export interface SourceProps {
  /** The visitor's text, while it is learned from. */
  readonly own: string | undefined;
  /** What else is to be said of it. */
  readonly notice: string | undefined;
  readonly onText: (text: string | undefined) => void;
}

/** Where a visitor gives a text of their own. */
export function Source({ own, notice, onText }: SourceProps): VNode {
  const draft = useSignal('');
  const failure = useSignal<string | undefined>(undefined);
  const hint = useSignal<string | undefined>(undefined);

  const learn = (text: string): void => {
    failure.value = text.length < leastCharacters ? words.tooShort(text.length) : undefined;
    hint.value = text.length > mostCharacters ? words.tooLong(mostCharacters) : undefined;
    if (failure.value === undefined) onText(tidied(text));
  };
  const open = async (file: File): Promise<void> => {
    const text = await textOf(file);
    if (text === undefined) failure.value = words.notText(file.name);
    else {
      draft.value = text.slice(0, 2000);
      learn(text);
    }
  };
  useDroppedFiles(undefined, (file) => void open(file));
  return (
    <details class="card drop" open={own !== undefined || failure.value !== undefined || undefined}>
      <summary>{words.own}</summary>
      <p class="quiet">{words.ownAdvice}</p>
      <textarea
        aria-label={words.own}
        rows={5}
        value={draft.value}
        onInput={(event) => (draft.value = event.currentTarget.value)}
      />
      <div class="controls">
        <button type="button" onClick={() => learn(draft.value)}>
          {words.learn}
        </button>
        <FileButton label={words.file} accept="text/*,.txt,.md,.csv" onFile={(file) => void open(file)} />
        {own !== undefined && (
          <button type="button" onClick={() => onText(undefined)}>
            {words.builtIn}
          </button>
        )}
      </div>
      {failure.value !== undefined && <ErrorNotice message={failure.value} />}
      <p role="status" class="quiet">
        {[own === undefined ? undefined : words.learnsFrom(own.length), hint.value, notice].filter(Boolean).join(' ')}
      </p>
    </details>
  );
}
