import type { BackendInfo } from '@rnn/core';
import { find, make, messageOf, showText } from './elements.ts';

/** What a backend is called in the list. */
const titles: Readonly<Record<string, string>> = {
  cpu: 'cpu: JavaScript',
  wasm: 'wasm: WebAssembly',
  webgl2: 'webgl2: graphics card, WebGL 2',
  webgpu: 'webgpu: graphics card, WebGPU',
};

/** The names of the backends that the page offers. */
export const backendNames: readonly string[] = Object.keys(titles);

const root = find(document, '.backend', HTMLElement);
// In the bar, which is always in view.
const select = find(document, '#backend', HTMLSelectElement);
const status = find(document, '#backend-status', HTMLElement);
const error = find(document, '#backend-error', HTMLElement);
const details = find(root, 'dl', HTMLElement);
const notes = find(root, '#backend-notes', HTMLElement);

/** The choice of the backend, and what is known about it. */
export class BackendSection {
  /** The one that computes, or computes next. */
  current: string;
  private readonly choose: (name: string) => Promise<BackendInfo>;

  /**
   * @param first - what is chosen in the beginning
   * @param choose - starts a backend, and moves there what is under way
   */
  constructor(first: string, choose: (name: string) => Promise<BackendInfo>) {
    this.current = first;
    this.choose = choose;
    const options = Object.entries(titles).map(([name, title]) => make('option', title, { value: name }));
    select.replaceChildren(...options);
    select.value = first;
    select.addEventListener('change', () => void this.change(select.value));
  }

  /** Says that nothing can be computed at all. */
  fail(reason: string): void {
    showText(error, reason);
    status.textContent = '';
  }

  /**
   * Changes to another backend; where it cannot run, the page says why and stays with the one
   * before.
   */
  async change(name: string): Promise<void> {
    const hadFocus = document.activeElement === select;
    select.disabled = true;
    status.textContent = `Starting ${name} …`;
    showText(error, '');
    const option = find(select, `option[value=${name}]`, HTMLOptionElement);
    try {
      const info = await this.choose(name);
      this.current = name;
      option.textContent = titles[name];
      show(info);
      status.textContent = `${name} computes.`;
    } catch (cause) {
      option.textContent = `${titles[name]} (not available)`;
      showText(error, `${name} is not available here. ${messageOf(cause)}`);
      select.value = this.current;
      status.textContent = this.current === name ? '' : `${this.current} computes.`;
    } finally {
      select.disabled = false;
      if (hadFocus) select.focus({ preventScroll: true });
    }
  }
}

function show(info: BackendInfo): void {
  const rows: [string, string][] = [
    ['device', info.device],
    ['threads', String(info.threads)],
    ['SIMD', info.simd],
    ['types', info.dtypes.join(', ')],
    ['reads', info.synchronous ? 'at once' : 'by waiting'],
  ];
  if (info.bound !== undefined)
    rows.push(['precision', `within ${info.bound.tolerance.toExponential(0)}: ${info.bound.reason}`]);
  details.replaceChildren(...rows.map(([term, text]) => make('div', [make('dt', term), make('dd', text)])));
  notes.replaceChildren(...info.notes.map((note) => make('li', note)));
}
