// Runs one library in a page of its own; the program outside calls `bench`.
import type { Library } from '../library.ts';
import { answer, failureOf } from '../process/answer.ts';
import type { Message, Reply, Request } from '../process/messages.ts';
import { loaders } from './loaders.ts';

let library: Library;

async function start(name: string): Promise<Message> {
  try {
    library = await loaders[name]();
    return { type: 'ready', version: library.version };
  } catch (error) {
    return failureOf(error);
  }
}

/** The answer as text; arrays go as the base64 of their bytes. */
async function ask(request: Request): Promise<string> {
  const reply: Reply = await answer(library, request).catch(failureOf);
  return JSON.stringify(reply, (_, value: unknown) => (value instanceof Float32Array ? base64Of(value) : value));
}

function base64Of(values: Float32Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const piece = 8192;
  let text = '';
  for (let i = 0; i < bytes.length; i += piece) text += String.fromCharCode(...bytes.subarray(i, i + piece));
  return btoa(text);
}

const bench = { start, ask };
declare global {
  var bench: { start(name: string): Promise<Message>; ask(request: Request): Promise<string> };
}
globalThis.bench = bench;
