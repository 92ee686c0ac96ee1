/** Addresses of the files in `data/`. */
const addresses = import.meta.glob<string>('../../data/*.{csv,json}', {
  query: '?url',
  import: 'default',
  eager: true,
});

/** The text of a file in `data/`, as the terminal's `readData` gives it. */
export async function readData(name: string): Promise<string> {
  const address = addresses[`../../data/${name}`];
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${name} could not be loaded: ${response.status} ${response.statusText}`);
  return response.text();
}
