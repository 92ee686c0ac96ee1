import type { VNode } from 'preact';

export interface FileButtonProps {
  readonly label: string;
  /** Endings and media types that the browser offers first. */
  readonly accept: string;
  readonly onFile: (file: File) => void;
}

/** Opens a file of the visitor's. */
export function FileButton({ label, accept, onFile }: FileButtonProps): VNode {
  return (
    <label class="file">
      <input
        type="file"
        accept={accept}
        onChange={({ currentTarget }) => {
          const file = currentTarget.files?.[0];
          // The same file may be opened again, after it was mended.
          currentTarget.value = '';
          if (file !== undefined) onFile(file);
        }}
      />
      <span>{label}</span>
    </label>
  );
}
