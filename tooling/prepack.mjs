// Runs in a package's folder before it is packed: refuses one that was not built, which would be
// published without its code.
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from './workspace.mjs';

/**
 * The paths that a part of a manifest names: texts, and the values of objects at any depth.
 *
 * @param {unknown} part
 * @returns {string[]}
 */
function pathsIn(part) {
  if (typeof part === 'string') return [part];
  return typeof part === 'object' && part !== null ? Object.values(part).flatMap(pathsIn) : [];
}

const folder = process.cwd();
const manifest =
  /** @type {{ name: string, main?: unknown, types?: unknown, bin?: unknown, exports?: unknown, publishConfig?: { exports?: unknown } }} */ (
    readJson(join(folder, 'package.json'))
  );
const { name, main, types, bin, exports, publishConfig } = manifest;
const named = new Set(pathsIn([main, types, bin, publishConfig?.exports ?? exports]));
const missing = [...named].filter((path) =>
  path.includes('*') ? globSync(path, { cwd: folder }).length === 0 : !existsSync(join(folder, path)),
);
if (missing.length > 0) {
  console.error(`${name} is not built: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing.`);
  console.error(`Build it first: npm run toolchain -- turbo run build --filter=${name}`);
  process.exitCode = 1;
}
