// Runs one library in a process of its own, so that the engine compiles each for itself and a crash
// stays there.
import { libraries } from '../libraries/index.ts';
import { answer, failureOf } from './answer.ts';
import type { Message, Request } from './messages.ts';

const post = (message: Message): void => void process.send?.(message);

try {
  const [name] = process.argv.slice(2);
  const entry = libraries.find((entry) => entry.name === name);
  if (entry?.load === undefined) throw new Error(`no library named '${name}' runs in Node`);
  const library = await entry.load();
  process.on('message', (request: Request) => {
    answer(library, request).then(post, (error: unknown) => post(failureOf(error)));
  });
  post({ type: 'ready', version: library.version });
} catch (error) {
  post(failureOf(error));
  process.disconnect();
}
