/** Names of states, by the recurrent layers of a model and their place in it. */
import { Bidirectional, GRU, LSTM, Recurrent, RNN, type Module } from '@rnn/nn';

type Recurrence = LSTM | GRU | RNN | Recurrent | Bidirectional;

/** A call of a layer that is going on. */
interface Call {
  readonly module: Recurrence;
  readonly path: string;
  scans: number;
}

export class StateNames {
  readonly #taken = new Set<string>();
  readonly #calls: Call[] = [];
  readonly #layers: readonly (readonly [path: string, module: Recurrence])[];

  constructor(model: Module) {
    this.#layers = model
      .namedModules()
      .flatMap(([path, module]) => (isRecurrence(module) ? [[path, module] as const] : []));
  }

  /** Runs a function while it is known which layer is called. */
  watching<R>(fn: () => R): R {
    try {
      for (const [path, module] of this.#layers) {
        const original = (module as { forward: (...args: unknown[]) => unknown }).forward;
        const value = (...args: unknown[]): unknown => {
          this.#calls.push({ module, path, scans: 0 });
          try {
            return original.apply(module, args);
          } finally {
            this.#calls.pop();
          }
        };
        Object.defineProperty(module, 'forward', { value, configurable: true, enumerable: false });
      }
      return fn();
    } finally {
      for (const [, module] of this.#layers) delete (module as { forward?: unknown }).forward;
    }
  }

  /** Names for the state of a scan: `h`, `c`, with the layer where there are several, and the module where there are several. */
  next(count: number, reverse: boolean): string[] {
    const call = this.#calls.at(-1);
    const parts = count === 1 ? ['h'] : count === 2 ? ['h', 'c'] : Array.from({ length: count }, (_, i) => `h${i}`);
    const path = call === undefined || this.#layers.length < 2 ? '' : call.path.replaceAll(/\W+/g, '_');
    const suffix = call === undefined ? (reverse ? '_reverse' : '') : suffixOf(call, reverse);
    if (call !== undefined) call.scans++;
    return parts.map((part) => this.#unique(`${path === '' ? '' : `${path}_`}${part}${suffix}`));
  }

  #unique(name: string): string {
    let unique = /^\d/.test(name) ? `_${name}` : name;
    for (let i = 2; this.#taken.has(unique); i++) unique = `${name}_${i}`;
    this.#taken.add(unique);
    return unique;
  }
}

function isRecurrence(module: Module): module is Recurrence {
  return [LSTM, GRU, RNN, Recurrent, Bidirectional].some((kind) => module instanceof kind);
}

function suffixOf({ module, scans }: Call, reverse: boolean): string {
  if (module instanceof Recurrent || module instanceof Bidirectional) return reverse ? '_reverse' : '';
  const directions = module.bidirectional ? 2 : 1;
  const level = module.numLayers * directions > 1 ? `_l${Math.floor(scans / directions)}` : '';
  return `${level}${reverse ? '_reverse' : ''}`;
}
