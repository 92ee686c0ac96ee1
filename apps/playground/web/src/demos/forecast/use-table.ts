import { batch, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { readFile } from './read-file.ts';
import { sources } from './sources.ts';
import type { SeriesTable } from './table.ts';

/** A table, and a number that no other one has. */
type NumberedTable = SeriesTable & { readonly id: number };

/** What became of the file or series that is wanted. */
export interface TableState {
  readonly table: NumberedTable | undefined;
  readonly reading: boolean;
  /** Why there is no table, for people. */
  readonly fault: string | undefined;
  /** Stops reading. */
  readonly giveUp: () => void;
}

/** Reads a file in a worker, or a built-in series; without either there is no table. */
export function useTable(file: File | undefined, source: string | undefined): TableState {
  const table = useSignal<NumberedTable | undefined>(undefined);
  const reading = useSignal(file !== undefined || source !== undefined);
  const fault = useSignal<string | undefined>(undefined);
  const count = useRef(0);
  const controller = useRef(new AbortController());

  useEffect(() => {
    const id = ++count.current;
    const { signal } = (controller.current = new AbortController());
    batch(() => {
      table.value = undefined;
      fault.value = undefined;
      reading.value = file !== undefined || source !== undefined;
    });
    if (!reading.value) return undefined;
    const read = async (): Promise<void> => {
      try {
        const read = await readFile(file ?? (await fetched(source ?? '')), file?.name ?? source ?? '', signal);
        if (id === count.current) table.value = { ...read, id };
      } catch (error) {
        if (id === count.current) fault.value = error instanceof Error ? error.message : String(error);
      } finally {
        if (id === count.current) reading.value = false;
      }
    };
    void read();
    return () => controller.current.abort();
  }, [file, source]);

  return {
    table: table.value,
    reading: reading.value,
    fault: fault.value,
    giveUp: () => controller.current.abort(),
  };
}

async function fetched(name: string): Promise<Blob> {
  const source = sources[name];
  if (source === undefined) throw new Error(`There is no series called “${name}”; choose one above.`);
  const response = await fetch(source.address);
  if (!response.ok) throw new Error('It could not be loaded. Check the connection and try again.');
  return response.blob();
}
