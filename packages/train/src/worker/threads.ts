/** Workers of Node and of pages, in one form. */

/** A worker of Node, as far as it is used. */
interface NodeWorker {
  postMessage(message: unknown, transfer: never[]): void;
  on(event: string, listener: (value: unknown) => void): unknown;
  off(event: string, listener: (value: unknown) => void): unknown;
  terminate(): Promise<unknown>;
}

/** A worker of a page or of Node. */
export type AnyWorker = Worker | NodeWorker;

/** The port to whoever started this thread, in Node. */
interface ParentPort {
  postMessage(message: unknown, transfer: never[]): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

interface NodeThreads {
  readonly Worker: new (url: URL | string) => NodeWorker;
  readonly parentPort: ParentPort | null;
}

/** One end of a connection. */
export interface Connection {
  readonly post: (message: unknown) => void;
  /** Returns what takes the listeners away. */
  readonly listen: (onMessage: (message: unknown) => void, onFailure: (cause: unknown) => void) => () => void;
}

/** Node's module of threads, where there is one; asked for in a way that bundlers do not follow. */
function nodeThreads(): NodeThreads | undefined {
  const { process } = globalThis as {
    readonly process?: { getBuiltinModule?: (name: string) => NodeThreads | undefined };
  };
  return process?.getBuiltinModule?.('node:worker_threads');
}

/** Starts a module as a worker; `undefined` where there are none. */
export function startedWorker(url: URL | string): AnyWorker | undefined {
  const threads = nodeThreads();
  if (threads !== undefined) return new threads.Worker(typeof url === 'string' ? new URL(url) : url);
  return typeof Worker === 'function' ? new Worker(url, { type: 'module' }) : undefined;
}

/** Whether a value can be sent messages as a worker can. */
export function isWorker(value: unknown): value is AnyWorker {
  const { postMessage, terminate } = (value ?? {}) as { postMessage?: unknown; terminate?: unknown };
  return typeof postMessage === 'function' && typeof terminate === 'function';
}

/** The connection to a worker. */
export function connectionTo(worker: AnyWorker): Connection {
  return {
    post: (message) => worker.postMessage(message, []),
    listen: (onMessage, onFailure) => ('on' in worker ? inNode : inPage)(worker as never, onMessage, onFailure),
  };
}

function inNode(
  worker: NodeWorker,
  onMessage: (message: unknown) => void,
  onFailure: (cause: unknown) => void,
): () => void {
  const onExit = (code: unknown): void => onFailure(`it ended with code ${String(code)}`);
  worker.on('message', onMessage);
  worker.on('messageerror', onFailure);
  worker.on('error', onFailure);
  worker.on('exit', onExit);
  return () => {
    worker.off('message', onMessage);
    worker.off('messageerror', onFailure);
    worker.off('error', onFailure);
    worker.off('exit', onExit);
  };
}

function inPage(
  worker: Worker,
  onMessage: (message: unknown) => void,
  onFailure: (cause: unknown) => void,
): () => void {
  const onData = ({ data }: MessageEvent): void => onMessage(data);
  const onError = (event: ErrorEvent): void => {
    event.preventDefault(); // it is reported
    onFailure(event.message || 'its module was not loaded');
  };
  const onOdd = (): void => onFailure('a message could not be read');
  worker.addEventListener('message', onData);
  worker.addEventListener('messageerror', onOdd);
  worker.addEventListener('error', onError);
  return () => {
    worker.removeEventListener('message', onData);
    worker.removeEventListener('messageerror', onOdd);
    worker.removeEventListener('error', onError);
  };
}

/** The connection of a worker to whoever started it; `undefined` in the main thread. */
export function parentConnection():
  | (Pick<Connection, 'post'> & { listen(onMessage: (message: unknown) => void): void })
  | undefined {
  const port = nodeThreads()?.parentPort;
  if (port != null) {
    return {
      post: (message) => port.postMessage(message, []),
      listen: (onMessage) => void port.on('message', onMessage),
    };
  }
  const { WorkerGlobalScope } = globalThis as { readonly WorkerGlobalScope?: new () => object };
  if (WorkerGlobalScope === undefined || !(globalThis instanceof WorkerGlobalScope)) return undefined;
  const scope = globalThis as unknown as { postMessage(message: unknown, transfer: never[]): void } & EventTarget;
  return {
    post: (message) => scope.postMessage(message, []),
    listen: (onMessage) => scope.addEventListener('message', (event) => onMessage((event as MessageEvent).data)),
  };
}
