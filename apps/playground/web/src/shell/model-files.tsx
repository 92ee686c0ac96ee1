import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import type { ModelFile, ModelFormat } from '../experiment/model-files.ts';
import { shell } from '../texts/en/shell.ts';
import { useDroppedFiles } from './drop.ts';
import { ErrorNotice } from './error-notice.tsx';
import { FileButton } from '../views/file-button.tsx';

export interface ModelFilesProps {
  readonly onSave: (format: ModelFormat) => Promise<ModelFile>;
  /** Fails with a reason where the file does not fit. */
  readonly onLoad: (name: string, bytes: Uint8Array) => Promise<void>;
}

const formats: readonly ModelFormat[] = ['safetensors', 'onnx', 'module'];

/** Downloads the model of a demo, and puts a file's weights into it. */
export function ModelFiles({ onSave, onLoad }: ModelFilesProps): VNode {
  const failure = useSignal<string | undefined>(undefined);
  const done = useSignal('');
  const isOpen = useSignal(false);

  const attempt = async (work: () => Promise<string>, prefix: string): Promise<void> => {
    failure.value = undefined;
    done.value = '';
    try {
      done.value = await work();
    } catch (error) {
      failure.value = `${prefix} ${error instanceof Error ? error.message : String(error)}`;
    }
  };
  const save = async (format: ModelFormat): Promise<string> => {
    const { name, content } = await onSave(format);
    const address = URL.createObjectURL(new Blob([content]));
    Object.assign(document.createElement('a'), { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
    return shell.saved(name);
  };
  const open = async (file: File): Promise<string> => {
    await onLoad(file.name, new Uint8Array(await file.arrayBuffer()));
    return shell.loaded(file.name);
  };
  const load = (file: File): void => void attempt(() => open(file), shell.notFitting(file.name));
  useDroppedFiles(/\.(?:safetensors|onnx|pt|pth)$/i, (file) => {
    // What becomes of it stands inside.
    isOpen.value = true;
    load(file);
  });
  return (
    <details
      class="card model-files"
      open={isOpen.value}
      onToggle={({ currentTarget }) => (isOpen.value = currentTarget.open)}
    >
      <summary>{shell.modelFiles}</summary>
      <p class="quiet">{shell.modelFilesAdvice}</p>
      <div class="controls">
        {formats.map((format) => (
          <button key={format} type="button" onClick={() => void attempt(() => save(format), shell.notSaved)}>
            {shell.formats[format]}
          </button>
        ))}
        <FileButton label={shell.load} accept=".safetensors,.onnx,.pt,.pth" onFile={load} />
      </div>
      {failure.value !== undefined && <ErrorNotice message={failure.value} />}
      <p role="status" class="quiet">
        {done.value}
      </p>
    </details>
  );
}
