/** A visitor's text: what may be learned from, and how it travels in an address. */

/** Characters that it takes at least, and those that are used at most. */
export const leastCharacters = 1000;
export const mostCharacters = 2_000_000;
/** Characters of an address that a text may fill: servers and messengers cut longer ones. */
const mostInAddress = 12_000;

/** The text of a file; undefined where it is none. */
export async function textOf(file: Blob): Promise<string | undefined> {
  const text = await file.slice(0, mostCharacters * 4).text();
  // What is no text has control characters in it, or bytes that are no characters.
  const isStrange = (character: string): boolean => character < '\t' || character === '\ufffd';
  return Array.from(text.slice(0, 10_000)).filter(isStrange).length > 10 ? undefined : text;
}

/** Lines as everywhere, and no more than can be used. */
export function tidied(text: string): string {
  return text.replaceAll('\r\n', '\n').slice(0, mostCharacters);
}

/** A text as a value of the address; undefined where it is too long. */
export async function packed(text: string): Promise<string | undefined> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const value = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  return value.length > mostInAddress ? undefined : value.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/**
 * The text of an address.
 *
 * @throws when it is damaged
 */
export async function unpacked(value: string): Promise<string> {
  const bytes = Uint8Array.from(atob(value.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return tidied(await new Response(stream).text());
}

/** Bits that a character costs when only its frequency is known. */
export function frequencyBits(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
