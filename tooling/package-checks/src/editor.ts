import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** A place in a file, with lines and columns from 1. */
interface Place {
  readonly file: string;
  readonly start: { readonly line: number; readonly offset: number };
}

/** TypeScript as an editor runs it. */
export interface Editor {
  /** Where "go to definition" leads from each place of an opened file. */
  definitions(file: string, line: number, offset: number): Promise<readonly Place[]>;
  close(): void;
}

interface Answer {
  readonly request_seq?: number;
  readonly success?: boolean;
  readonly message?: string;
  readonly body?: unknown;
}

/** Starts it, with a file opened. */
export function openEditor(file: string): Editor {
  const server = createRequire(import.meta.url).resolve('typescript/lib/tsserver.js');
  const child = spawn(process.execPath, [server, '--disableAutomaticTypingAcquisition'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting = new Map<number, (answer: Answer) => void>();
  // Each answer is one line, under a header that says how long it is.
  let rest = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines.filter((each) => each.startsWith('{'))) {
      const answer = JSON.parse(line) as Answer;
      if (answer.request_seq !== undefined) waiting.get(answer.request_seq)?.(answer);
    }
  });
  let seq = 0;
  const send = (command: string, args: object): number => {
    child.stdin.write(`${JSON.stringify({ seq: ++seq, type: 'request', command, arguments: args })}\n`);
    return seq;
  };
  send('open', { file, fileContent: readFileSync(file, 'utf8') });
  return {
    definitions: (path, line, offset) =>
      new Promise((resolve, reject) => {
        const asked = send('definition', { file: path, line, offset });
        waiting.set(asked, ({ success, message, body }) => {
          waiting.delete(asked);
          if (success === true) resolve(body as Place[]);
          else reject(new Error(message));
        });
      }),
    close: () => void child.kill(),
  };
}
