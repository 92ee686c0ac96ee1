import type { VNode } from 'preact';
import { useDroppedFiles } from '../../shell/drop.ts';
import { ErrorNotice } from '../../shell/error-notice.tsx';
import { forecastTexts as texts } from '../../texts/en/forecast.ts';
import { sources } from './sources.ts';
import { FileButton } from '../../views/file-button.tsx';

interface SourcePickerProps {
  /** The built-in series that is chosen; '' where it is a file. */
  readonly source: string;
  readonly fileName: string | undefined;
  /** Whether the address is of this file, which has not been opened here. */
  readonly isAwaited: boolean;
  readonly isReading: boolean;
  /** What is wrong with the file, for people. */
  readonly fault: string | undefined;
  readonly onChoose: (source: string) => void;
  readonly onOpen: (file: File) => void;
  readonly onGiveUp: () => void;
}

/** Where the series comes from: one of the built-in ones, or a file that is opened or dropped. */
export function SourcePicker(props: SourcePickerProps): VNode {
  const { source, fileName, isAwaited, isReading, fault, onChoose, onOpen, onGiveUp } = props;
  useDroppedFiles(undefined, onOpen);
  return (
    <section class="card drop" aria-label={texts.source}>
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
        <FileButton label={texts.choose} accept=".csv,text/csv,text/plain" onFile={onOpen} />
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
      {fileName !== undefined && fault === undefined && !isReading && (
        <p class="notice" role="status">
          {isAwaited ? texts.awaited(fileName) : texts.notInLink(fileName)}
        </p>
      )}
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
