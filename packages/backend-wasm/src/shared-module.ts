/** Kinds of imports in the binary format. */
const FUNCTION = 0;
const MEMORY = 2;
const GLOBAL = 3;
const IMPORT_SECTION = 2;
/** The bit in a memory's limits that makes it a shared one. */
const SHARED = 2;

/**
 * A copy of a module whose imported memory is declared as shared. Engines link a module only with
 * memory of the kind that it declares, and this bit is all that the two kinds differ in: one build
 * of the kernels serves both.
 *
 * @param bytes - a module that imports a memory with a maximum, and besides functions and globals
 *   at most
 */
export function withSharedMemory(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  let at = 8; // behind magic number and version
  const unsigned = (): number => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = copy[at++];
      value |= (byte & 0x7f) << shift;
      if (!(byte >= 0x80)) return value; // also past the end
    }
  };
  const skip = (): void => {
    const length = unsigned(); // moves `at` too
    at += length;
  };
  while (at < copy.length && copy[at++] !== IMPORT_SECTION) skip();
  unsigned(); // size of the section
  for (let count = unsigned(); count > 0; count--) {
    skip(); // name of the module
    skip(); // name of the import
    const kind = copy[at++];
    if (kind === MEMORY) {
      copy[at] |= SHARED;
      return copy;
    }
    if (kind === FUNCTION) unsigned();
    else if (kind === GLOBAL) at += 2;
    else break;
  }
  throw new TypeError('the module imports no memory');
}
