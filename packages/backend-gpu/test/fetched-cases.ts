/** The reference cases in a page. */
import type { CaseSource } from '@rnn/conformance';

declare global {
  interface ImportMeta {
    /** Vite's, which serves the tests: the addresses of files by their paths. */
    glob(
      pattern: string,
      options: { readonly query: string; readonly import: string; readonly eager: true },
    ): Record<string, string>;
  }
}

const directory = '../../conformance/cases/';
const addresses = import.meta.glob('../../conformance/cases/*.{json,safetensors}', {
  query: '?url',
  import: 'default',
  eager: true,
});

async function fetched(file: string): Promise<Response> {
  const address = addresses[directory + file];
  if (address === undefined) throw new Error(`${file}: there is no such file`);
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${file}: ${response.status} ${response.statusText}`);
  return response;
}

/** The cases of the conformance package, from the server of the tests. */
export async function fetchedCases(): Promise<CaseSource> {
  return {
    manifest: await (await fetched('manifest.json')).text(),
    files: Object.keys(addresses)
      .map((path) => path.slice(directory.length))
      .filter((file) => file.endsWith('.safetensors')),
    load: async (file) => new Uint8Array(await (await fetched(file)).arrayBuffer()),
  };
}
