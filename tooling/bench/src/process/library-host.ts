import type { Message, Reply, Request } from './messages.ts';

/** A library where it runs, in a process or in a page: asked for one task at a time. */
export interface LibraryHost {
  /**
   * @param request - the task
   * @param patience - milliseconds until the library is ended and the answer is that it took too
   *   long
   */
  ask(request: Request, patience: number): Promise<Reply>;
  /** What the library says of itself, or why it does not run. */
  readonly about: string;
  stop(): void | Promise<void>;
}

/** A message that came as text; arrays come as the base64 of their bytes. */
export function messageOf(text: string): Message {
  return JSON.parse(text, (key, value: unknown) => {
    if (key !== 'result' || typeof value !== 'string') return value;
    const bytes = Uint8Array.from(Buffer.from(value, 'base64'));
    return new Float32Array(bytes.buffer);
  }) as Message;
}

/** The answer of a library that was ended for being too slow. */
export function tooSlow(patience: number): Reply {
  return { type: 'failed', message: `no answer within ${Math.round(patience / 1000)} s` };
}
