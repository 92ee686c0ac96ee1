/** Reference cases on the disk. For Node alone; pages load the files themselves. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FormatError } from '@rnn/core';
import type { CaseSource } from './reference/reference-cases.js';

/** The reference cases that come with the package. */
export const builtInDirectory: string = fileURLToPath(new URL('../cases/', import.meta.url));

/**
 * A directory of reference cases: `manifest.json` and one `.safetensors` file a case.
 *
 * @example
 * ```ts
 * referenceCases(caseDirectory()).length > 100; // true
 * ```
 * @param directory - where; the cases of this package unless given
 * @returns a source for `referenceCases`
 * @throws FormatError when the directory, or its manifest, cannot be read
 */
export function caseDirectory(directory: string = builtInDirectory): CaseSource {
  const read = <T>(what: string, action: () => T): T => {
    try {
      return action();
    } catch (cause) {
      throw new FormatError(`reference cases: ${what} cannot be read: ${(cause as Error).message}`, { cause });
    }
  };
  const files = read(`the directory ${directory}`, () => readdirSync(directory));
  return {
    manifest: read(join(directory, 'manifest.json'), () => readFileSync(join(directory, 'manifest.json'), 'utf8')),
    files: files.filter((file) => file.endsWith('.safetensors')),
    load: (file) => readFileSync(join(directory, file)),
  };
}
