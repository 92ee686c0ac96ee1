import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { commandOf } from './tools.ts';

/** A registry of this machine alone. */
export interface Registry {
  readonly url: string;
  close(): void;
}

/** A port that nobody listens on. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/**
 * Starts a registry that anyone on this machine may publish to. It holds the packages of this
 * repository itself and never asks for them elsewhere; those that they depend on it takes from
 * where npm takes them.
 *
 * @param folder - an empty one, for what is published
 * @param upstream - the registry of all other packages
 */
export async function startRegistry(folder: string, upstream: string): Promise<Registry> {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'config.yaml');
  writeFileSync(
    config,
    `storage: ${join(folder, 'storage')}
uplinks:
  upstream:
    url: ${upstream}
packages:
  '@rnn/*':
    access: $all
    publish: $all
  '**':
    access: $all
    proxy: upstream
max_body_size: 100mb
log: { type: stdout, format: pretty, level: warn }
`,
  );
  const url = `http://127.0.0.1:${await freePort()}/`;
  const server = spawn(process.execPath, [commandOf('verdaccio'), '--config', config, '--listen', url.slice(0, -1)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  for (let tries = 0; ; tries++) {
    if (server.exitCode !== null || tries === 300) throw new Error(`the registry did not start at ${url}`);
    const answer = await fetch(`${url}-/ping`).catch(() => undefined);
    if (answer?.ok === true) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { url, close: () => void server.kill() };
}

/**
 * The settings of npm and pnpm by which a folder knows no registry but this one.
 *
 * @param url - of a registry of this machine; another is refused
 */
export function settingsFor(url: string): string {
  const { hostname, host } = new URL(url);
  if (hostname !== '127.0.0.1') throw new Error(`a release is tried on this machine alone, not at ${url}`);
  return `registry=${url}\n@rnn:registry=${url}\n//${host}/:_authToken=nobody\naudit=false\nfund=false\nupdate-notifier=false\n`;
}
