import type { LibraryEntry } from './libraries/index.ts';
import { LibraryProcess } from './process/library-process.ts';
import type { LibraryHost } from './process/library-host.ts';

/** Where the libraries of a run are, and what ends them. */
export interface Hosts {
  readonly hosts: readonly { readonly entry: LibraryEntry; readonly host: LibraryHost }[];
  readonly stop: () => Promise<void>;
}

interface HostOptions {
  readonly libraries: readonly LibraryEntry[];
  readonly python: string | undefined;
  readonly browser: { readonly isSoftware: boolean } | undefined;
}

/** A process for each library, or a page of one browser. */
export async function hostsOf({ libraries, python, browser }: HostOptions): Promise<Hosts> {
  if (browser === undefined) {
    const hosts = libraries.map((entry) => ({ entry, host: new LibraryProcess(entry, python) }));
    return { hosts, stop: async () => hosts.forEach(({ host }) => host.stop()) };
  }
  // Vite and the browser are loaded only for a run that needs them.
  const { servePage } = await import('./page/serve-page.ts');
  const { LibraryPage } = await import('./page/library-page.ts');
  const served = await servePage(browser.isSoftware);
  const hosts = libraries.map((entry) => ({ entry, host: new LibraryPage(entry.name, served.browser, served.url) }));
  return { hosts, stop: async () => served.stop() };
}
