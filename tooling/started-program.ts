import { spawn } from 'node:child_process';

/** A program that runs in a process of its own, on the built packages as a user's would. */
export interface StartedProgram {
  /**
   * Waits for its first output.
   *
   * @throws Error with what it wrote to the error stream, when it ends before
   */
  readonly output: () => Promise<void>;
  /**
   * Waits for its end.
   *
   * @throws Error when it fails
   */
  readonly end: () => Promise<void>;
  /** Kills it, at whatever it does, and waits until it is gone. */
  readonly kill: () => Promise<void>;
}

/**
 * Starts a program.
 *
 * @param folder - where it finds its packages
 * @param source - an ES module
 * @param args - `process.argv[1]` and what comes behind it
 */
export function startProgram(folder: string, source: string, ...args: string[]): StartedProgram {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const begun = new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  child.stdout.resume();
  const failed = closed.then((code): never => {
    throw new Error(`the program ended with ${code}:\n${errors}`);
  });
  failed.catch(() => undefined); // whoever waits gets it
  return {
    output: () => Promise.race([begun, failed]),
    end: async () => {
      if ((await closed) !== 0) await failed;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await closed;
    },
  };
}
