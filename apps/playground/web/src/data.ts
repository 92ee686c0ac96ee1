/** Addresses of the files in `data/`; each is fetched when it is wanted. */
const addresses = import.meta.glob<string>('../../data/*.{csv,json,txt}', {
  query: '?url',
  import: 'default',
  eager: true,
});

/** The text of a file in `data/`. */
export async function readData(name: string): Promise<string> {
  const response = await fetch(addresses[`../../data/${name}`]);
  if (!response.ok) throw new Error(`${name} could not be loaded: ${response.status} ${response.statusText}`);
  return response.text();
}
