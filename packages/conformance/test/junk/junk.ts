/**
 * Every position of a call gets what does not belong there: the answer is an RnnError or, where the
 * example says so, a result.
 */
import { cpu } from '@rnn/backend-cpu';
import { RnnError, setBackend, tensor, Tensor, type Backend } from '@rnn/core';
import { beforeAll, beforeEach, expect, test } from 'vitest';

/** A call with right arguments. */
export interface Example {
  /** The export, or `Class.method`. */
  readonly name: string;
  readonly call: (...values: never[]) => unknown;
  /** Right arguments, made anew for each call. */
  readonly args: () => readonly unknown[];
  /** How many of them cannot be left out; all unless given. */
  readonly required?: number;
  /**
   * Junk that is no mistake: by position (`0`, `1.lr`, `0[0]`, `0.*` for all options), the names of
   * the junk.
   */
  readonly accepts?: Readonly<Record<string, readonly JunkName[]>>;
}

export let home: Backend;
let away: Backend;

beforeAll(async () => {
  [home, away] = [await cpu(), await cpu()];
});

beforeEach(() => setBackend(home));

/** Kinds of values that hardly ever belong where they come. */
export type JunkName =
  | 'null'
  | 'undefined'
  | 'NaN'
  | 'Infinity'
  | 'fraction'
  | 'text'
  | 'number as text'
  | 'truth value'
  | 'BigInt'
  | 'symbol'
  | 'promise'
  | 'object'
  | 'other object'
  | 'map'
  | 'function'
  | 'list'
  | 'list of null'
  | 'tensor elsewhere'
  | 'disposed tensor';

/** What comes, given the right value: a tensor of junk has the right one's form. */
const junk: Readonly<Record<JunkName, (right: unknown) => unknown>> = {
  null: () => null,
  undefined: () => undefined,
  NaN: () => NaN,
  Infinity: () => Infinity,
  fraction: () => -1.5,
  text: () => 'junk',
  'number as text': () => '3',
  'truth value': () => true,
  BigInt: () => 10n,
  symbol: () => Symbol('junk'),
  promise: () => Promise.resolve(home),
  object: () => ({}),
  'other object': () => ({ junk: 1 }),
  map: () => new Map(),
  function: () => (): undefined => undefined,
  list: () => [],
  'list of null': () => [null],
  'tensor elsewhere': (right: unknown) => likeOf(right, away),
  'disposed tensor': (right: unknown) => {
    const gone = likeOf(right, home);
    gone.dispose();
    return gone;
  },
};

/** The names of all. */
export const junkNames: readonly JunkName[] = Object.keys(junk) as JunkName[];

function likeOf(right: unknown, backend: Backend): Tensor {
  if (!(right instanceof Tensor)) return tensor([1, 2], { backend });
  const numbers = right.dataSync();
  const like = tensor(numbers, { backend }).reshape(right.shape);
  return right.requiresGrad ? like.detach() : like;
}

/** Arguments with one place changed, and where it is. */
interface Changed {
  readonly place: string;
  readonly junk: JunkName;
  readonly args: readonly unknown[];
}

/**
 * Every change of one place: an argument, an option, the first element of a list; and an option
 * that there is not.
 */
function* changes({ args }: Example): Generator<Changed> {
  const count = args().length;
  for (const name of junkNames) {
    for (let i = 0; i < count; i++) {
      const change = (place: string, put: (right: unknown) => unknown): Changed => {
        const all = [...args()];
        all[i] = put(all[i]);
        return { place, junk: name, args: all };
      };
      yield change(String(i), junk[name]);
      const right = args()[i];
      if (Array.isArray(right) && right.length > 0) {
        yield change(`${i}[0]`, (list) => [junk[name]((list as unknown[])[0]), ...(list as unknown[]).slice(1)]);
      } else if (isPlain(right)) {
        for (const key of Object.keys(right)) {
          yield change(`${i}.${key}`, (options) => ({
            ...(options as object),
            [key]: junk[name]((options as Record<string, unknown>)[key]),
          }));
        }
      }
    }
  }
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Whether a change is none that has to be refused. */
function isAccepted(
  { args, required = args().length, accepts = {} }: Example,
  { place, junk: name }: Changed,
): boolean {
  if (accepts[place]?.includes(name)) return true;
  if (accepts[place.replace(/\..*/, '.*')]?.includes(name)) return true;
  const [position] = /^\d+/.exec(place) as unknown as [string];
  const right = args()[Number(position)];
  // What can be left out may be undefined, and options may be left out one by one, or all.
  if (name === 'undefined' && (place.includes('.') || Number(position) >= required)) return true;
  if (name === 'object' && place === position && isPlain(right)) return true;
  return name === 'function' && place === position && typeof right === 'function';
}

/**
 * A result of which something can be said: a tensor's numbers are there, as many as its shape says.
 */
function isSound(result: unknown): boolean {
  if (!(result instanceof Tensor) || result.isDisposed) return true;
  return result.dataSync().length === result.shape.reduce((size, length) => size * length, 1);
}

/** What went wrong with a call, if something did. */
async function faultOf(example: Example, changed: Changed): Promise<string | undefined> {
  setBackend(home);
  let result: unknown;
  try {
    result = await example.call(...(changed.args as never[]));
  } catch (error) {
    return error instanceof RnnError
      ? undefined
      : `${error instanceof Error ? error.stack?.split('\n').slice(0, 3).join(' ') : String(error)}`;
  }
  if (!isAccepted(example, changed)) return 'is accepted';
  return isSound(result) ? undefined : 'gives a tensor without its numbers';
}

/** One test for each example, and one that no export was forgotten. */
export function describeJunk(
  examples: readonly Example[],
  exported: readonly string[],
  without: readonly string[],
): void {
  test('no export is forgotten', () => {
    const known = new Set([...examples.map(({ name }) => name), ...without]);
    expect(exported.filter((name) => !known.has(name))).toEqual([]);
  });

  test.each(examples)('$name', async (example) => {
    await example.call(...(example.args() as never[])); // the example itself is right
    const faults: string[] = [];
    for (const changed of changes(example)) {
      const fault = await faultOf(example, changed);
      if (fault !== undefined) faults.push(`${changed.place}: ${changed.junk} ${fault}`);
    }
    expect(faults).toEqual([]);
  });
}

/** The names of the functions (no classes) among the exports of a module. */
export function functionsOf(module: object, prefix = ''): string[] {
  return Object.entries(module).flatMap(([name, value]) =>
    typeof value === 'function' && !isClass(value as object) ? [prefix + name] : [],
  );
}

/** The names of the classes among them. */
export function classesOf(module: object): string[] {
  return Object.entries(module).flatMap(([name, value]) => (isClass(value as object) ? [name] : []));
}

/** The methods of a class, its own and those that it has from others, as `Class.method`. */
export function methodsOf(name: string, prototype: object): string[] {
  const found = new Set<string>();
  for (let level = prototype; level !== Object.prototype; level = Object.getPrototypeOf(level) as object) {
    for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (typeof value === 'function' && key !== 'constructor') found.add(`${name}.${key}`);
    }
  }
  return [...found];
}

function isClass(value: object): boolean {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}
