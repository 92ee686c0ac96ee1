import { fork, spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LibraryEntry } from '../libraries/index.ts';
import { messageOf, tooSlow, type LibraryHost } from './library-host.ts';
import type { Message, Reply, Request } from './messages.ts';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/**
 * A library in its process: asked for one task at a time, started when first asked and again after
 * it was ended for being too slow.
 */
export class LibraryProcess implements LibraryHost {
  private version: string | undefined;
  /** Why it does not run at all. */
  private broken: Reply | undefined;
  private child: ChildProcess | undefined;
  private readonly entry: LibraryEntry;
  private readonly python: string | undefined;
  /** What waits for the next message. */
  private receive: ((message: Message) => void) | undefined;

  constructor(entry: LibraryEntry, python: string | undefined) {
    this.entry = entry;
    this.python = python;
  }

  /**
   * @param patience - milliseconds until the process is ended and the answer is that it took too
   *   long
   */
  async ask(request: Request, patience: number): Promise<Reply> {
    if (this.broken !== undefined) return this.broken;
    if (this.child === undefined) {
      const first = await this.start();
      if (first.type !== 'ready') return (this.broken = first);
      this.version = first.version;
    }
    return this.next(patience, () => this.send(request));
  }

  /** What the library says of itself, or why it does not run. */
  get about(): string {
    if (this.broken === undefined || this.broken.type === 'measured') return this.version ?? 'was not asked';
    return this.broken.message.split('\n')[0];
  }

  /** Ends the process. */
  stop(): void {
    this.child?.kill();
    this.child = undefined;
  }

  private async start(): Promise<Message> {
    return this.awaited(60_000, () => {
      this.child = this.entry.load === undefined ? this.startPython() : this.startNode();
      const { child } = this;
      child.on('error', (error) => this.receive?.({ type: 'failed', message: error.message }));
      let lastWords = '';
      child.stderr?.on('data', (chunk: Buffer) => (lastWords = (lastWords + chunk.toString()).slice(-1000)));
      child.on('close', (code, signal) => {
        // A process that was ended for being too slow has no say in the next one's answers.
        if (this.child !== child) return;
        this.child = undefined;
        const why = lastWords.trim().split('\n').at(-1) ?? '';
        this.receive?.({ type: 'failed', message: `ended with ${signal ?? `exit code ${code}`}. ${why}`.trim() });
      });
    });
  }

  private startNode(): ChildProcess {
    // Its output is not for the table: libraries greet there.
    const child = fork(path('worker.ts'), [this.entry.name], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    child.on('message', (message) => this.child === child && this.receive?.(message as Message));
    return child;
  }

  private startPython(): ChildProcess {
    const child = spawn(this.python ?? 'python3', [path('../../peers/pytorch.py'), String(this.entry.threads)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    createInterface(child.stdout).on('line', (line) => this.receive?.(messageOf(line)));
    return child;
  }

  private send(request: Request): void {
    if (this.entry.load === undefined) this.child?.stdin?.write(`${JSON.stringify(request)}\n`);
    else this.child?.send(request);
  }

  private async next(patience: number, ask: () => void): Promise<Reply> {
    const message = await this.awaited(patience, ask);
    if (message.type === 'ready') throw new Error(`${this.entry.name}: started twice`);
    return message;
  }

  /** The next message after `act`; a process that does not send one in time is ended. */
  private async awaited(patience: number, act: () => void): Promise<Message> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.receive = undefined;
        this.stop();
        resolve(tooSlow(patience));
      }, patience);
      this.receive = (message) => {
        clearTimeout(timer);
        this.receive = undefined;
        resolve(message);
      };
      act();
    });
  }
}
