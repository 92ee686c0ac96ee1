import type { VNode } from 'preact';
import { demoList } from '../demo-list.ts';
import { shell } from '../texts/en/shell.ts';
import { openDemo, openTab, tabAddress } from './address.ts';

/** Links to the demos: each has an address of its own that can be sent. */
export function Tabs(): VNode {
  return (
    <nav class="tabs" aria-label={shell.demos}>
      {demoList.map(({ id, title, summary }) => (
        <a
          key={id}
          href={tabAddress(id)}
          title={summary}
          aria-current={id === openDemo.value ? 'page' : undefined}
          onClick={(event: MouseEvent) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            openTab(id);
          }}
        >
          {title}
        </a>
      ))}
    </nav>
  );
}
