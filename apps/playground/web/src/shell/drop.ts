/**
 * Files that are dropped on the page: they go to the part of the open demo that can use them,
 * wherever they fall. Without this a browser would leave the page for the file.
 */
import { signal, type Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { shell } from '../texts/en/shell.ts';

/** What a part of a demo does with files. */
interface Taker {
  /** The names that it knows; a taker without takes what no other one knows. */
  readonly names: RegExp | undefined;
  readonly take: (file: File) => void;
}

const takers = new Set<Taker>();

/** Why a file that was dropped is not used. */
export const dropNotice: Signal<string | undefined> = signal(undefined);

/**
 * Takes files that are dropped while the component is shown.
 *
 * @param names - of the files that it knows; undefined for whatever no other part knows
 */
export function useDroppedFiles(names: RegExp | undefined, take: (file: File) => void): void {
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    const taker: Taker = { names, take: (file) => latest.current(file) };
    takers.add(taker);
    return () => {
      takers.delete(taker);
      dropNotice.value = undefined;
    };
  }, []);
}

/** Listens to the whole page; returns what ends it. */
export function hearDrops(): () => void {
  const root = document.documentElement;
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
  const over = (event: DragEvent): void => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    root.dataset.dragging = '';
  };
  const leave = (event: DragEvent): void => {
    if (event.relatedTarget === null) delete root.dataset.dragging;
  };
  const drop = (event: DragEvent): void => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    delete root.dataset.dragging;
    const file = event.dataTransfer?.files[0];
    if (file !== undefined) hand(file);
  };
  document.addEventListener('dragover', over);
  document.addEventListener('dragleave', leave);
  document.addEventListener('drop', drop);
  return () => {
    document.removeEventListener('dragover', over);
    document.removeEventListener('dragleave', leave);
    document.removeEventListener('drop', drop);
  };
}

function hand(file: File): void {
  const all = [...takers];
  const taker = all.find(({ names }) => names?.test(file.name)) ?? all.find(({ names }) => names === undefined);
  dropNotice.value = taker === undefined ? shell.noUse(file.name) : undefined;
  taker?.take(file);
}
