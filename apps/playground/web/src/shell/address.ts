/**
 * The address holds all that a visitor chose: `#/text?seed=1&backend=wasm&units=64`. What is at its
 * default is left out, so a link is as short as it can be.
 */
import { computed, signal, type ReadonlySignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { demoList, type DemoId } from '../demo-list.ts';

/** What stands behind the `#`. */
interface Place {
  readonly demo: DemoId;
  readonly parameters: URLSearchParams;
}

/** What a setting may hold; the type of its fallback decides how the address is read. */
export type SettingValue = string | number | boolean;

/** A choice of the visitor, as it stands in the address. */
export interface Setting<T extends SettingValue> {
  value: T;
}

/** What a setting may become: any number, flag or text, not its fallback alone. */
type Widened<T> = T extends number ? number : T extends boolean ? boolean : string;

/** What goes along when another tab is opened. */
const shared = ['seed', 'backend', 'embed'];

const place = signal(read());
/** The parameters of each demo that was open before, so that its tab finds them again. */
const left = new Map<DemoId, URLSearchParams>();

globalThis.addEventListener('hashchange', () => (place.value = read()));

function read(): Place {
  const [, path = '', query = ''] = /^#?\/?([^?]*)\??(.*)$/.exec(location.hash) ?? [];
  const { id } = demoList.find((demo) => demo.id === path) ?? demoList[0];
  return { demo: id, parameters: new URLSearchParams(query) };
}

function write({ demo, parameters }: Place): void {
  const query = parameters.toString();
  history.replaceState(null, '', `#/${demo}${query === '' ? '' : `?${query}`}`);
  place.value = { demo, parameters };
}

/** The demo that is open. */
export const openDemo: ReadonlySignal<DemoId> = computed(() => place.value.demo);

/** Where a tab leads: what was chosen there before, with the seed and the backend of now. */
export function tabAddress(demo: DemoId): string {
  const { demo: current, parameters } = place.value;
  const there = new URLSearchParams(demo === current ? parameters : left.get(demo));
  for (const name of shared) {
    const value = parameters.get(name);
    if (value === null) there.delete(name);
    else there.set(name, value);
  }
  const query = there.toString();
  return `#/${demo}${query === '' ? '' : `?${query}`}`;
}

/** Opens another demo; what was chosen in this one is found again on the way back. */
export function openTab(demo: DemoId): void {
  const address = tabAddress(demo);
  left.set(place.value.demo, place.value.parameters);
  location.hash = address;
}

function parsed<T extends SettingValue>(text: string | null, fallback: T): T {
  if (text === null) return fallback;
  if (typeof fallback === 'number') {
    const value = Number(text);
    return (text.trim() !== '' && Number.isFinite(value) ? value : fallback) as T;
  }
  return (typeof fallback === 'boolean' ? text === '1' : text) as T;
}

/**
 * A choice of the visitor that is kept in the address. Reading `value` in a component or an effect
 * follows it; what the address cannot mean is the fallback.
 *
 * @param name - as it stands in the address; a demo's own, `seed` and `backend` being the page's
 */
function setting<T extends SettingValue>(name: string, fallback: T): Setting<Widened<T>> {
  type V = Widened<T> & SettingValue;
  const current = computed(() => parsed(place.value.parameters.get(name), fallback as unknown as V));
  return {
    get value() {
      return current.value;
    },
    set value(next: V) {
      const { demo, parameters } = place.peek();
      const changed = new URLSearchParams(parameters);
      if (next === (fallback as unknown)) changed.delete(name);
      else changed.set(name, typeof next === 'boolean' ? (next ? '1' : '0') : String(next));
      write({ demo, parameters: changed });
    },
  };
}

/** `setting` for a component: the same one at every rendering. */
export function useSetting<T extends SettingValue>(name: string, fallback: T): Setting<Widened<T>> {
  return useMemo(() => setting(name, fallback), [name]);
}

/** Seeds weights, order and samples of every demo. */
export const seed: Setting<number> = setting('seed', 1);
/** The backend that the visitor wants. */
export const backend: Setting<string> = setting('backend', 'wasm');
/** Whether the page is part of another one: no masthead, no tabs. */
export const isEmbedded: ReadonlySignal<boolean> = computed(
  () => place.value.parameters.has('embed') || new URLSearchParams(location.search).has('embed'),
);
