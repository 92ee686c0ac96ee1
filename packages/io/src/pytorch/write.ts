/**
 * Writes what `torch.load` reads: a state dict in a zip, a pickle and an entry for each storage.
 */
import { strToU8, zipSync } from 'fflate';
import { identityOf, type HostTensor } from '../host/host-tensor.js';
import { encode, type WrittenFloat } from '../safetensors/encode.js';

const storages = {
  F16: 'HalfStorage',
  BF16: 'BFloat16Storage',
  F32: 'FloatStorage',
  F64: 'DoubleStorage',
  I32: 'IntStorage',
} as const;
const typeOf = { float16: 'F16', bfloat16: 'BF16', float32: 'F32', float64: 'F64' } as const;

/**
 * @param tensors - by name; names of one value share a storage
 * @param dtype - of all floating tensors; each its own unless given
 * @returns the file, which `torch.load(path, weights_only=True)` takes
 */
export function encodePyTorch(tensors: Readonly<Record<string, HostTensor>>, dtype?: WrittenFloat): Uint8Array {
  const pickle = new PickleWriter();
  const entries: Record<string, Uint8Array> = {};
  const keys = new Map<unknown, string>();
  pickle.op('}('); // a dict, and the mark that its items begin at
  for (const [name, tensor] of Object.entries(tensors)) {
    const own =
      tensor.data instanceof Int32Array ? 'I32' : tensor.data instanceof Float64Array ? 'F64' : ('F32' as const);
    const type = own === 'I32' || dtype === undefined ? own : typeOf[dtype];
    let key = keys.get(identityOf(tensor));
    if (key === undefined) {
      keys.set(identityOf(tensor), (key = String(keys.size)));
      entries[`archive/data/${key}`] = encode(tensor.data, type);
    }
    pickle.text(name);
    pickle.tensor(storages[type], key, tensor);
  }
  pickle.op('u.'); // the items are set; the end
  return zipSync(
    {
      'archive/data.pkl': pickle.bytes(),
      'archive/byteorder': strToU8('little'),
      'archive/version': strToU8('3\n'),
      ...entries,
    },
    { level: 0 },
  );
}

/** Instructions of pickle's protocol 2. */
class PickleWriter {
  readonly #bytes: number[] = [0x80, 2];

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  op(codes: string): void {
    for (const code of codes) this.#bytes.push(code.charCodeAt(0));
  }

  text(text: string): void {
    const utf8 = strToU8(text);
    this.op('X');
    this.#little(utf8.length, 4);
    for (const byte of utf8) this.#bytes.push(byte);
  }

  /** `torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)` */
  tensor(storage: string, key: string, { shape, data }: HostTensor): void {
    this.#global('torch._utils', '_rebuild_tensor_v2');
    this.op('((');
    this.text('storage');
    this.#global('torch', storage);
    this.text(key);
    this.text('cpu');
    this.#whole(data.length);
    this.op('tQ'); // the tuple is the storage's persistent id
    this.#whole(0);
    this.#tuple(shape);
    this.#tuple(shape.map((_, i) => shape.slice(i + 1).reduce((product, size) => product * size, 1)));
    this.op('\x89'); // False
    this.#global('collections', 'OrderedDict');
    this.op(')RtR');
  }

  #global(module: string, name: string): void {
    this.op(`c${module}\n${name}\n`);
  }

  #tuple(numbers: readonly number[]): void {
    this.op('(');
    for (const number of numbers) this.#whole(number);
    this.op('t');
  }

  /** In four bytes, or eight where those are too few. */
  #whole(number: number): void {
    const isShort = number < 2 ** 31;
    this.op(isShort ? 'J' : '\x8a\x08');
    this.#little(number, isShort ? 4 : 8);
  }

  #little(number: number, count: number): void {
    for (let i = 0, rest = number; i < count; i++, rest = Math.floor(rest / 256)) this.#bytes.push(rest % 256);
  }
}
