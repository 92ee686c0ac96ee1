/**
 * A worker's whole program, for Node and for browsers. scripts/build-worker.ts makes one script
 * without imports of it, which can be started from a file as well as from its text. After its first
 * message it never returns to its event loop: it waits on the queue.
 */
import * as queue from './job-queue.js';
import type { Start } from './job-queue.js';

type Call = (...args: number[]) => void;
type Exports = Record<string, Call>;

/**
 * As much as is used here of a worker's global scope and of Node's `parentPort`, which have the
 * same shape for it.
 */
interface Port {
  postMessage(message: unknown): void;
  addEventListener?(
    type: 'message',
    listener: (event: { readonly data: Start }) => void,
    options: { once: true },
  ): void;
  once?(type: 'message', listener: (start: Start) => void): void;
}

/**
 * So many modules stay linked; the oldest goes first, and is linked again if it is called once
 * more.
 */
const LINKED_AT_MOST = 1000;

/** Takes calls from the queue until it says stop. */
function serve({ memory, module, queue: at }: Start, ready: () => void): void {
  const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as Exports;
  const words = new Int32Array(memory.buffer, at, queue.QUEUE_BYTES / 4);
  const programs = new Map<number, Exports>();

  const exportsOf = (address: number, bytes: number, number: number): Exports => {
    if (number === 0) return kernels;
    let known = programs.get(number);
    if (known === undefined) {
      if (programs.size >= LINKED_AT_MOST)
        for (const oldest of programs.keys()) {
          programs.delete(oldest);
          break;
        }
      // An engine may take its time to show a growth by another thread; growing by nothing makes it
      // look.
      if (address + bytes > memory.buffer.byteLength) memory.grow(0);
      // A copy: shared memory is no source for a module.
      const own = new Uint8Array(new Uint8Array(memory.buffer, address, bytes));
      known = new WebAssembly.Instance(new WebAssembly.Module(own), { env: { ...kernels, memory } }).exports as Exports;
      programs.set(number, known);
    }
    return known;
  };
  const compute = (record: Int32Array): void => {
    try {
      const [address, bytes, number, name] = record;
      const call = exportsOf(address >>> 0, bytes, number)[queue.FUNCTIONS[name]];
      call(...record.subarray(queue.ARGUMENTS));
    } catch (error) {
      const text = String(error).slice(0, queue.MESSAGE_LENGTH);
      for (let i = 0; i < text.length; i++) words[queue.MESSAGE + i] = text.charCodeAt(i);
      Atomics.store(words, queue.FAILED, text.length);
    }
  };

  ready();
  for (let idle = 0; Atomics.load(words, queue.STOP) === 0;) {
    const turn = Atomics.load(words, queue.TICKET);
    const left = turn & 0xff;
    if (left === 0) {
      if (++idle > queue.SPINS) Atomics.wait(words, queue.TICKET, turn);
      continue;
    }
    idle = 0;
    // Read before the call is taken: the record is the job's until TICKET changes.
    const first = queue.RECORDS + (left - 1) * queue.RECORD;
    const record = words.slice(first, first + queue.RECORD);
    if (Atomics.compareExchange(words, queue.TICKET, turn, turn - 1) !== turn) continue;
    Atomics.add(words, queue.STEALS, 1);
    compute(record);
    Atomics.add(words, queue.DONE, 1);
    Atomics.notify(words, queue.DONE);
  }
}

interface Scope extends Port {
  readonly process?: { getBuiltinModule?(name: 'node:worker_threads'): { readonly parentPort: Port | null } };
}
const scope = globalThis as unknown as Scope;
const port = scope.process?.getBuiltinModule?.('node:worker_threads').parentPort ?? scope;
const begin = (start: Start): void => serve(start, () => port.postMessage('ready'));
if (port.once === undefined) port.addEventListener?.('message', ({ data }) => begin(data), { once: true });
else port.once('message', begin);
