const told = new Set<string>();

/**
 * Tells of something that is no error but hardly meant, at its first occurrence in the process
 * only.
 *
 * @param kind - what it is about: each kind is told once
 * @param message - what was found and what to do
 */
export function warnOnce(kind: string, message: string): void {
  if (told.has(kind)) return;
  told.add(kind);
  console.warn(message);
}
