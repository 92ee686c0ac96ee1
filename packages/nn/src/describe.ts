/** Modules in the words of PyTorch's `print`. */

/** Options as Python writes them: `bias=False, eps=1e-05`. */
export function listed(options: Readonly<Record<string, number | boolean | string>>): string {
  return Object.entries(options)
    .map(
      ([name, value]) =>
        `${name}=${typeof value === 'boolean' ? (value ? 'True' : 'False') : typeof value === 'string' ? `'${value}'` : python(value)}`,
    )
    .join(', ');
}

/** Python turns to exponents sooner than JavaScript, and writes them with two digits. */
function python(value: number): string {
  if (value === 0 || Math.abs(value) >= 1e-4) return String(value);
  return value.toExponential().replace(/-(\d)$/, '-0$1');
}

/**
 * A module on one line, or with its children one below the other.
 *
 * @param name - of its class
 * @param extra - what its options are
 * @param children - names and descriptions
 */
export function described(name: string, extra: string, children: readonly (readonly [string, string])[]): string {
  if (children.length === 0) return `${name}(${extra})`;
  const lines = children.map(([child, text]) => `(${child}): ${text}`);
  if (extra !== '') lines.unshift(extra);
  return `${name}(\n${lines.map((line) => `  ${line.replaceAll('\n', '\n  ')}\n`).join('')})`;
}
