/** Reads files apart from the page, which stays alive, and from the training, which goes on. */
import { expose } from 'comlink';
import { lastLines, readTable, type SeriesTable } from './table.ts';

const reader = {
  async read(file: Blob, name: string): Promise<SeriesTable> {
    return readTable(await lastLines(file), name);
  },
};

/** What the page may ask of it. */
export type TableReader = typeof reader;

expose(reader);
