/**
 * A text in lines of at most some columns, broken between words; a longer word stands alone.
 *
 * @param text - without line breaks
 * @param columns - of a line; `Infinity` where the text does not go to a terminal
 * @param indent - what lines after the first begin with
 */
export function wrapped(text: string, columns: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const start = lines.length === 0 ? '' : indent;
    if (line !== '' && start.length + line.length + 1 + word.length > columns) {
      lines.push(start + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push((lines.length === 0 ? '' : indent) + line);
  return lines.join('\n');
}

/** Columns of a terminal; what is piped is not wrapped. */
export function columnsOf({ isTTY, columns }: { readonly isTTY?: boolean; readonly columns?: number }): number {
  return isTTY === true && columns !== undefined && columns > 0 ? columns : Infinity;
}
