import { randomBytes } from 'node:crypto';
import { copyFile, link, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';

/**
 * How a temporary file is named: after the file that it is to become and the process that writes
 * it.
 */
const temporary = (name: string): string => `.${name}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`;

/**
 * Writes a file that is there whole or not at all: under a temporary name beside its place, then to
 * the disk, then moved into its place.
 * Whatever fails or is killed on the way leaves what was in that place as it was; of two that write
 * at once, the last one's file stays, whole.
 *
 * @param path - where the file is to be
 * @param chunks - its bytes
 * @param keep - how many of its predecessors stay, the newest as `name.1.ext`
 */
export async function writeAtomically(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  keep = 0,
): Promise<void> {
  const folder = dirname(path);
  await removeLeftovers(folder, basename(path));
  const draft = join(folder, temporary(basename(path)));
  try {
    const file = await open(draft, 'wx');
    try {
      for await (const chunk of chunks) await writeWhole(file, chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    if (keep > 0) await keepPredecessors(path, keep);
    await rename(draft, path);
  } catch (error) {
    await unlink(draft).catch(() => undefined); // it may not be there; the error is what counts
    throw error;
  }
  await syncFolder(folder);
}

async function writeWhole(file: Awaited<ReturnType<typeof open>>, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten;
}

/** Where the n-th predecessor of a file stays: `run/checkpoint.1.safetensors`. */
function predecessorOf(path: string, n: number): string {
  const name = basename(path);
  const dot = name.lastIndexOf('.');
  const renamed = dot > 0 ? `${name.slice(0, dot)}.${n}${name.slice(dot)}` : `${name}.${n}`;
  return join(dirname(path), renamed);
}

/**
 * Moves every predecessor one back. The newest stays in its place as well until the new file takes
 * it, so that there always is one.
 */
async function keepPredecessors(path: string, keep: number): Promise<void> {
  for (let n = keep; n > 1; n--) await unlessMissing(rename(predecessorOf(path, n - 1), predecessorOf(path, n)));
  const first = predecessorOf(path, 1);
  await unlessMissing(unlink(first));
  // Some file systems have no links.
  await unlessMissing(link(path, first)).catch(() => unlessMissing(copyFile(path, first)));
}

async function unlessMissing(done: Promise<void>): Promise<void> {
  await done.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

/** Makes the move itself last. Windows cannot open a folder and needs no such thing. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes what processes left that were killed while they wrote this file. */
async function removeLeftovers(folder: string, name: string): Promise<void> {
  const prefix = `.${name}.`;
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith(prefix) || !entry.endsWith('.tmp')) continue;
    const [pid] = entry.slice(prefix.length).split('.');
    if (/^\d+$/.test(pid) && !isRunning(Number(pid))) await unlessMissing(unlink(join(folder, entry)));
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0); // asks, and sends nothing
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
