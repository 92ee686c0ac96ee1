/** Names of states, by the recurrent layers of a model and their place in it. */
import { Bidirectional, GRU, LSTM, Recurrent, RNN, StackedCells, type Module } from '@rnn/nn';
import type { Naming } from './flow-storage.js';

type Recurrence = LSTM | GRU | RNN | Recurrent | Bidirectional;

/** A call of a layer that is going on. */
interface Call {
  readonly module: Recurrence;
  readonly path: string;
  /** Scans so far, forwards and backwards. */
  readonly scans: [number, number];
}

export class StateNames implements Naming {
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
          this.#calls.push({ module, path, scans: [0, 0] });
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

  /**
   * Names for the state of a scan: `h`, `c`, with the layer where there are several, and the module
   * where there are several.
   */
  ofScan(count: number, reverse: boolean): string[] {
    const call = this.#calls.at(-1);
    const parts = count === 1 ? ['h'] : count === 2 ? ['h', 'c'] : Array.from({ length: count }, (_, i) => `h${i}`);
    const path = call === undefined || this.#layers.length < 2 ? '' : call.path.replaceAll(/\W+/g, '_');
    const suffix =
      call === undefined ? (reverse ? '_reverse' : '') : suffixOf(call, call.scans[Number(reverse)]++, reverse);
    return parts.map((part) => this.own(`${path === '' ? '' : `${path}_`}${part}${suffix}`));
  }

  own(name: string): string {
    let unique = /^\d/.test(name) ? `_${name}` : name;
    for (let i = 2; this.#taken.has(unique); i++) unique = `${name}_${i}`;
    this.#taken.add(unique);
    return unique;
  }
}

function isRecurrence(module: Module): module is Recurrence {
  return [LSTM, GRU, RNN, Recurrent, Bidirectional].some((kind) => module instanceof kind);
}

/**
 * The layer where there are several, and the direction. Layers come in order, whether or not both
 * directions of one come together.
 */
function suffixOf({ module }: Call, level: number, reverse: boolean): string {
  return `${layersOf(module) > 1 ? `_l${level}` : ''}${reverse ? '_reverse' : ''}`;
}

function layersOf(module: Recurrence): number {
  if (module instanceof Bidirectional) return cellsOf(module.forwardCell);
  if (module instanceof Recurrent) return cellsOf(module.cell);
  return module.numLayers * (module.bidirectional ? 2 : 1);
}

function cellsOf(cell: object): number {
  return cell instanceof StackedCells ? cell.length : 1;
}
