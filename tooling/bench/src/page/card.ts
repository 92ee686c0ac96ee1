// The page that tries a graphics card: a button starts it, or the program outside by `tryCard`.
import type { CaseSource } from '@rnn/conformance';
import { cardText, type CardReport } from '../card/card-report.ts';
import { measureCard } from '../card/measure-card.ts';

declare global {
  interface ImportMeta {
    /** Vite's, which builds the page: the addresses of files by their paths. */
    glob(
      pattern: string,
      options: { readonly query: string; readonly import: string; readonly eager: true },
    ): Record<string, string>;
  }
  var tryCard: (filter?: string) => Promise<CardReport>;
}

const directory = '../../../../packages/conformance/cases/';
const addresses = import.meta.glob('../../../../packages/conformance/cases/*.{json,safetensors}', {
  query: '?url',
  import: 'default',
  eager: true,
});

async function fetched(file: string): Promise<Response> {
  const response = await fetch(addresses[directory + file]);
  if (!response.ok) throw new Error(`${file}: ${response.status} ${response.statusText}`);
  return response;
}

async function source(): Promise<CaseSource> {
  return {
    manifest: await (await fetched('manifest.json')).text(),
    files: Object.keys(addresses)
      .map((path) => path.slice(directory.length))
      .filter((file) => file.endsWith('.safetensors')),
    load: async (file) => new Uint8Array(await (await fetched(file)).arrayBuffer()),
  };
}

function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.querySelector(`#${id}`);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
}

const start = element('start', HTMLButtonElement);
const save = element('save', HTMLAnchorElement);
const [progress, shown] = ['progress', 'report'].map((id) => element(id, HTMLElement));

/** Tries the card, shows and returns the report. */
async function tryCard(filter?: string): Promise<CardReport> {
  start.disabled = true;
  try {
    const report = await measureCard({
      source: await source(),
      runs: 4,
      ...(filter !== undefined && { filter }),
      onProgress: (line) => {
        progress.textContent = line;
        console.log(line);
      },
    });
    shown.textContent = cardText(report);
    save.href = URL.createObjectURL(new Blob([JSON.stringify(report)], { type: 'application/json' }));
    save.hidden = false;
    progress.textContent = 'Done.';
    return report;
  } finally {
    start.disabled = false;
  }
}

globalThis.tryCard = tryCard;
start.addEventListener('click', () => {
  tryCard().catch((error: unknown) => (progress.textContent = String(error)));
});
