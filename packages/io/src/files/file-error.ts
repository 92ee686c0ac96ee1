/** What the system says of files, as errors of the library. */
import { fileURLToPath } from 'node:url';
import { ArgumentError, RnnError } from '@rnn/core';
import { refuse } from '@rnn/core/checks';

/**
 * The system does not read or write a file (`ERR_FILE`): it is not there, it is a folder, the disk
 * is full. `cause` is Node's error with its code, such as `ENOSPC`.
 *
 * @example
 * ```ts
 * const model = await load('model.safetensors').catch((error: unknown) => {
 *   if (error instanceof FileError) return undefined; // there is none yet
 *   throw error;
 * });
 * ```
 */
export class FileError extends RnnError {
  /** The file. */
  readonly path: string;

  constructor(message: string, path: string, cause: unknown) {
    super('ERR_FILE', message, { argument: 'path', cause });
    this.name = 'FileError';
    this.path = path;
  }
}

/** What is to be done with a file. */
type Deed = 'read' | 'written';

const asBefore = 'what was there before is as it was';

const words: Readonly<Record<string, string | Readonly<Record<Deed, string>>>> = {
  ENOENT: { read: 'there is no such file', written: 'its folder is not there; make it first' },
  EISDIR: 'it is a folder, expected a file',
  ENOTDIR: 'a part of the path is a file, expected a folder',
  EACCES: { read: 'it may not be opened', written: 'its folder may not be written to' },
  EPERM: { read: 'it may not be opened', written: 'its folder may not be written to' },
  EROFS: 'the disk can only be read',
  ENOSPC: `the disk is full; ${asBefore}`,
  EDQUOT: `the disk is full; ${asBefore}`,
  EFBIG: `it would be larger than the system allows; ${asBefore}`,
  ENAMETOOLONG: 'the name is too long',
};

/** What a system error means for whoever gave the path; nothing for any other error. */
export function systemWords(error: unknown, deed: Deed): string | undefined {
  if (!(error instanceof Error) || !('syscall' in error)) return undefined;
  const { code = '' } = error as NodeJS.ErrnoException;
  const said = Object.hasOwn(words, code) ? words[code] : error.message;
  return typeof said === 'string' ? said : said[deed];
}

/**
 * Runs what reads or writes a file; what the system refuses is told in the name of the operation.
 *
 * @throws FileError
 */
export async function withFile<R>(operation: string, path: string, deed: Deed, run: () => Promise<R>): Promise<R> {
  try {
    return await run();
  } catch (error) {
    const said = systemWords(error, deed);
    if (said === undefined) throw error;
    throw new FileError(`${operation}: '${path}' cannot be ${deed}: ${said}`, path, error);
  }
}

/** A path that was given as such or as a URL. */
export function pathOf(operation: string, path: unknown): string {
  if (path instanceof URL && path.protocol === 'file:') return fileURLToPath(path);
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path;
  refuse(ArgumentError, operation, 'path', { value: path, expected: "a path such as 'model.safetensors'" });
}

/** Endings of files of other kinds, which would be found out only by whoever reads them. */
const otherKinds: Readonly<Record<string, string>> = {
  '.pt': 'a file of PyTorch',
  '.pth': 'a file of PyTorch',
  '.onnx': 'an ONNX model',
};

/** A path to write safetensors to. */
export function safetensorsPath(operation: string, path: unknown): string {
  const checked = pathOf(operation, path);
  const ending = Object.keys(otherKinds).find((each) => checked.endsWith(each));
  if (ending === undefined) return checked;
  refuse(ArgumentError, operation, 'path', {
    value: path,
    expected: 'a name that ends in .safetensors, which is what is written',
    hint: `the name is that of ${otherKinds[ending]}; ${ending === '.onnx' ? 'writeOnnx makes one' : '`rnn-io convert` makes one'}`,
  });
}
