import { bitsOf } from '../safetensors/element-types.js';
import { meanings, type OpenFile, type Storage } from './names.js';
import { refuse, unpickle, type Meanings } from './pickle.js';

/**
 * The form before PyTorch 1.6: a magic number, versions, the value and the keys of its storages,
 * each a pickle; then the storages.
 */
const MAGIC = 0x1950a86a20f9469cfc6cn;

/**
 * Whether a file begins as one of the older form does: with a pickle of a whole number of 10 bytes,
 * not a zip.
 */
export function isLegacy(bytes: Uint8Array): boolean {
  return [0x80, 2, 0x8a, 10].every((byte, i) => bytes[i] === byte);
}

/** Reads a file of the older form. */
export function legacyFile(bytes: Uint8Array): OpenFile {
  const storages = new Map<string, Storage>();
  const noted: Meanings = {
    call: (name, args) => meanings.call(name, args),
    persistent(id) {
      const storage = meanings.persistent(id) as Storage;
      storages.set(storage.key, storage);
      return storage;
    },
  };
  let at = 0;
  const next = (): unknown => {
    const { value, end } = unpickle(bytes, at, noted);
    at = end;
    return value;
  };
  if (next() !== MAGIC) refuse('it begins with a pickle that torch.save did not write');
  next(); // the version of the form
  const system = next();
  if (system instanceof Map && system.get('little_endian') === false)
    refuse(
      'its numbers are big endian, expected little; load it with PyTorch and save it again on a little-endian machine',
    );
  const value = next();
  const keys = next();
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) {
    refuse('the keys of its storages are no list of texts');
  }
  const places = new Map<string, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of keys) {
    const storage = storages.get(key) ?? refuse(`nothing refers to storage '${key}'`);
    if (at + 8 > bytes.length) refuse(`storage '${key}' is cut off`);
    const count = view.getBigInt64(at, true);
    if (count !== BigInt(storage.size)) refuse(`storage '${key}' has ${count} elements, expected ${storage.size}`);
    const length =
      (storage.size * (storage.type === undefined ? 8 : storage.type === 'C128' ? 128 : bitsOf[storage.type])) / 8;
    if (length > bytes.length - at - 8) refuse(`storage '${key}' is cut off`);
    places.set(key, bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return { value, numbersOf: ({ key }) => places.get(key) ?? refuse(`storage '${key}' is not there`) };
}
