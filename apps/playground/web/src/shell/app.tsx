import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { shell } from '../texts/en/shell.ts';
import { isEmbedded } from './address.ts';
import { Bar } from './bar.tsx';
import { hearDrops } from './drop.ts';
import { OpenDemo } from './open-demo.tsx';
import { Tabs } from './tabs.tsx';

/** The whole page. */
export function App(): VNode {
  useEffect(() => {
    document.documentElement.toggleAttribute('data-embedded', isEmbedded.value);
    document.documentElement.dataset.ready = '';
  }, [isEmbedded.value]);
  useEffect(hearDrops, []);
  return (
    <>
      <a class="skip" href="#demo" onClick={skip}>
        {shell.skip}
      </a>
      <header class="masthead">
        <h1>{shell.title}</h1>
        <p>{shell.claim}</p>
      </header>
      <Tabs />
      <Bar />
      <OpenDemo />
      <footer>
        <p>{shell.footer}</p>
        <nav aria-label="@rnn">
          <a href="https://github.com/rnn-ts/rnn">{shell.source}</a>{' '}
          <a href="https://github.com/rnn-ts/rnn/tree/main/docs">{shell.guides}</a>{' '}
          <a href="https://www.npmjs.com/package/@rnn/core">{shell.npm}</a>{' '}
          <a href="https://github.com/rnn-ts/rnn/blob/main/apps/playground/data/README.md">{shell.data}</a>
        </nav>
      </footer>
    </>
  );
}

/** The address is the demo's: the link to its place moves the focus alone. */
function skip(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('#demo')?.focus();
}
