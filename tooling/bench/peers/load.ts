import { createRequire } from 'node:module';

// Here and not in src, so that names are looked up in this folder's `node_modules`.

/** Imports a module. */
export const load = (name: string): Promise<unknown> => import(name);

/** Loads the CommonJS form of a module. */
export const loadCommonJs: (name: string) => unknown = createRequire(import.meta.url);
