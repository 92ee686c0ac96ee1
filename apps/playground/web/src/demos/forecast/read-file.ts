import { wrap } from 'comlink';
import { startWorker } from '../../start-worker.ts';
import type { SeriesTable } from './table.ts';
import type { TableReader } from './table-worker.ts';

/**
 * Reads a table in a worker of its own.
 *
 * @param signal - ends it, and whatever it was at
 * @throws Error that says, for people, what is wrong with the file
 */
export async function readFile(file: Blob, name: string, signal: AbortSignal): Promise<SeriesTable> {
  const worker = startWorker('table');
  try {
    return await Promise.race([
      wrap<TableReader>(worker).read(file, name),
      new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('The file was given up.')));
        worker.addEventListener('error', () => reject(new Error('The file could not be read. Load the page again.')));
      }),
    ]);
  } finally {
    worker.terminate();
  }
}
