import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { shell } from '../texts/en/shell.ts';

export interface CodePanelProps {
  /** A program that runs as it stands, as text. */
  readonly code: string;
  /** The packages that it imports. */
  readonly packages: readonly string[];
}

/** "The code of this demo": what computes it, to be copied and run elsewhere. */
export function CodePanel({ code, packages }: CodePanelProps): VNode {
  const isCopied = useSignal(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(code);
    isCopied.value = true;
    setTimeout(() => (isCopied.value = false), 2000);
  };
  return (
    <details class="code-panel">
      <summary>{shell.code}</summary>
      <p>
        {shell.install}: <code>npm install {packages.join(' ')}</code>
      </p>
      <button type="button" onClick={() => void copy()}>
        <span aria-live="polite">{isCopied.value ? shell.copied : shell.copyCode}</span>
      </button>
      <pre tabIndex={0} role="region" aria-label={shell.code}>
        <code>{code.trim()}</code>
      </pre>
    </details>
  );
}
