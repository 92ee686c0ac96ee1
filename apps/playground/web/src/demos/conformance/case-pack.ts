/** Many small files as one: the length of a table as uint32, the table as JSON, the contents. */

/** For each file where its content begins, after the table, and how many bytes it has. */
type Table = Readonly<Record<string, readonly [begin: number, length: number]>>;

/** Packs files by their names. */
export function packCases(files: readonly (readonly [name: string, content: Uint8Array])[]): Uint8Array<ArrayBuffer> {
  let begin = 0;
  const entries = files.map(([name, { length }]) => {
    begin += length;
    return [name, [begin - length, length]] as const;
  });
  const table = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const pack = new Uint8Array(4 + table.length + begin);
  new DataView(pack.buffer).setUint32(0, table.length, true);
  pack.set(table, 4);
  for (const [i, [, content]] of files.entries()) pack.set(content, 4 + table.length + entries[i][1][0]);
  return pack;
}

/** Reads what `packCases` wrote: a function that gives a file's content, undefined for no file. */
export function unpackCases(pack: ArrayBuffer): (name: string) => Uint8Array | undefined {
  const size = new DataView(pack).getUint32(0, true);
  const table = JSON.parse(new TextDecoder().decode(new Uint8Array(pack, 4, size))) as Table;
  return (name) => {
    if (!Object.hasOwn(table, name)) return undefined;
    const [begin, length] = table[name];
    // A copy: who reads numbers from it wants it to begin where memory does.
    return new Uint8Array(pack.slice(4 + size + begin, 4 + size + begin + length));
  };
}
