import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { ErrorNotice } from '../../shell/error-notice.tsx';
import { forecastTexts as texts } from '../../texts/en/forecast.ts';
import { sources } from './sources.ts';

interface SourcePickerProps {
  /** The built-in series that is chosen; '' where it is a file. */
  readonly source: string;
  readonly fileName: string | undefined;
  readonly isReading: boolean;
  /** What is wrong with the file, for people. */
  readonly fault: string | undefined;
  readonly onChoose: (source: string) => void;
  readonly onOpen: (file: File) => void;
  readonly onGiveUp: () => void;
}

/** Where the series comes from: one of the built-in ones, or a file that is opened or dropped. */
export function SourcePicker(props: SourcePickerProps): VNode {
  const { source, fileName, isReading, fault, onChoose, onOpen, onGiveUp } = props;
  const isOver = useSignal(false);
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    isOver.value = false;
    const file = event.dataTransfer?.files[0];
    if (file !== undefined) onOpen(file);
  };
  return (
    <section
      class={isOver.value ? 'card drop over' : 'card drop'}
      aria-label={texts.source}
      onDragOver={(event) => {
        event.preventDefault();
        isOver.value = true;
      }}
      onDragLeave={() => (isOver.value = false)}
      onDrop={drop}
    >
      <div class="controls">
        <label>
          {texts.source}
          <select value={source} onChange={({ currentTarget }) => onChoose(currentTarget.value)}>
            {source === '' && <option value="">{fileName}</option>}
            {Object.keys(sources).map((id) => (
              <option key={id} value={id}>
                {texts.of(id).title}
              </option>
            ))}
          </select>
        </label>
        <label class="file">
          <input
            type="file"
            accept=".csv,text/csv,text/plain"
            onChange={({ currentTarget }) => {
              const file = currentTarget.files?.[0];
              if (file !== undefined) onOpen(file);
              // The same file may be opened again, after it was mended.
              currentTarget.value = '';
            }}
          />
          <span>{texts.choose}</span>
        </label>
        <span class="quiet small">{texts.drop}</span>
      </div>
      <div role="status">
        {isReading && fileName !== undefined && (
          <p>
            {texts.reading(fileName)}{' '}
            <button type="button" onClick={onGiveUp}>
              {texts.giveUp}
            </button>
          </p>
        )}
      </div>
      {fault !== undefined && (
        <ErrorNotice
          message={`${texts.notRead(fileName ?? texts.of(source).title)} ${fault}`}
          action={texts.back}
          onAction={() => onChoose('sunspots')}
        />
      )}
    </section>
  );
}
