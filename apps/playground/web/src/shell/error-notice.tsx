import type { VNode } from 'preact';

export interface ErrorNoticeProps {
  readonly message: string;
  /** What the button does, in a word or two; no button unless given. */
  readonly action?: string;
  readonly onAction?: () => void;
}

/** What went wrong, beside what it concerns. */
export function ErrorNotice({ message, action, onAction }: ErrorNoticeProps): VNode {
  return (
    <div class="notice error" role="alert">
      <p>{message}</p>
      {action !== undefined && (
        <button type="button" onClick={onAction}>
          {action}
        </button>
      )}
    </div>
  );
}
