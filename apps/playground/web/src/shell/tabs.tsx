import type { VNode } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { demoList } from '../demo-list.ts';
import { shell } from '../texts/en/shell.ts';
import { openDemo, openTab, tabAddress } from './address.ts';

/** Links to the demos: each has an address of its own that can be sent. */
export function Tabs(): VNode {
  const list = useRef<HTMLElement>(null);
  const id = openDemo.value;
  // On a phone they do not fit in a row: the open one is brought into view, by the row alone. Not
  // before the frame that lays the page out: on arrival it would do so inside of the script.
  useLayoutEffect(() => {
    const frame = requestAnimationFrame(() => {
      const row = list.current;
      const tab = row?.querySelector<HTMLElement>('[aria-current]');
      if (row === null || tab === null || tab === undefined) return;
      row.scrollLeft = tab.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
    });
    return () => cancelAnimationFrame(frame);
  }, [id]);
  return (
    <nav ref={list} class="tabs" aria-label={shell.demos}>
      {demoList.map((demo) => (
        <a
          key={demo.id}
          href={tabAddress(demo.id)}
          title={demo.summary}
          aria-current={demo.id === id ? 'page' : undefined}
          onClick={(event: MouseEvent) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            openTab(demo.id);
          }}
        >
          {demo.title}
        </a>
      ))}
    </nav>
  );
}
