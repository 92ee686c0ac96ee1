import { unzipSync } from 'fflate';
import { looksLike } from '../host/looks-like.js';
import { refuse } from './pickle.js';

/** A file of PyTorch's present form: a zip of a pickle and one entry for each storage. */
export class Archive {
  readonly #bytes: Uint8Array;
  readonly #folder: string;
  readonly #sizes: ReadonlyMap<string, number>;

  constructor(bytes: Uint8Array) {
    const sizes = new Map<string, number>();
    extract(bytes, ({ name, originalSize }) => {
      if (sizes.has(name)) refuse(`the archive has the entry '${name}' twice`);
      sizes.set(name, originalSize);
      return false;
    });
    const pickle = [...sizes.keys()].find((name) => /^([^/]*\/)?data\.pkl$/.test(name));
    if (pickle === undefined) {
      refuse(
        "the archive has no 'data.pkl', expected one that torch.save wrote; other zips, and files of Keras, are not read",
      );
    }
    this.#bytes = bytes;
    this.#folder = pickle.slice(0, -'data.pkl'.length);
    this.#sizes = sizes;
    if (this.has('constants.pkl')) {
      refuse('it is a TorchScript program, which is code; save a state dict: torch.save(model.state_dict(), path)');
    }
  }

  has(name: string): boolean {
    return this.#sizes.has(this.#folder + name);
  }

  /** How many bytes an entry has, as the archive says. */
  sizeOf(name: string): number {
    return this.#sizes.get(this.#folder + name) ?? refuse(`the archive has no '${name}'`);
  }

  /** An entry's bytes; `limit` is the most that there may be. */
  read(name: string, limit: number): Uint8Array<ArrayBuffer> {
    const size = this.sizeOf(name);
    if (size > limit) refuse(`the entry '${name}' has ${size} bytes, expected at most ${limit}`);
    const full = this.#folder + name;
    const entry = extract(this.#bytes, (file) => file.name === full)[full] as Uint8Array<ArrayBuffer> | undefined;
    if (entry?.length !== size) refuse(`the entry '${name}' has ${entry?.length ?? 0} bytes, expected ${size}`);
    return entry;
  }
}

function extract(
  bytes: Uint8Array,
  filter: (file: { name: string; originalSize: number }) => boolean,
): Record<string, Uint8Array> {
  let fault: unknown;
  try {
    return unzipSync(bytes, {
      filter(file) {
        try {
          return filter(file);
        } catch (error) {
          fault = error;
          throw error;
        }
      },
    });
  } catch (cause) {
    if (fault !== undefined) throw fault as Error;
    if (String.fromCharCode(bytes[0], bytes[1]) === 'PK') refuse('the archive is cut off or broken', cause);
    return refuse(
      `the file is ${looksLike(bytes, 'readPyTorch') ?? 'of no known kind'}, expected one that torch.save wrote`,
      cause,
    );
  }
}
