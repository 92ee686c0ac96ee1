import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { shell } from '../texts/en/shell.ts';
import { Icon } from './icon.tsx';

/** Copies the address: whoever opens it sees the same run. */
export function CopyLink(): VNode {
  const answer = useSignal<string | undefined>(undefined);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(location.href);
      answer.value = shell.copied;
    } catch {
      // A page that is not from https may not write to the clipboard; the address is above.
      answer.value = shell.notCopied;
    }
    setTimeout(() => (answer.value = undefined), 2000);
  };
  return (
    <button type="button" class="copy-link" onClick={() => void copy()}>
      <Icon name="link" />
      {/* On a phone the sign stands for the words, until there is an answer. */}
      <span aria-live="polite" class={answer.value === undefined ? 'words' : undefined}>
        {answer.value ?? shell.copyLink}
      </span>
    </button>
  );
}
