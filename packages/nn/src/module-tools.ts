/**
 * Where the parts of a module that a small page can do without are put in, so that modules need not
 * import them.
 */
import { ArgumentError, type Backend, type Tensor } from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import type { CloneKinds } from './clone-module.js';
import type { SummaryEntry } from './summary.js';

/** What `@rnn/nn` has beyond `@rnn/nn/lean`. */
export interface ModuleTools {
  readonly clone: <M extends object>(root: M, kinds: CloneKinds<M>) => M;
  readonly summary: (entries: readonly SummaryEntry[]) => string;
  readonly printed: (name: string, extra: string, children: readonly (readonly [string, string])[]) => string;
  readonly to: (owner: string, tensors: readonly Tensor[], backend: Backend) => void;
  readonly moveTo: (tensors: readonly Tensor[], backend: Backend) => Promise<void>;
}

let installed: ModuleTools | undefined;

/** Puts them in. */
export function installModuleTools(tools: ModuleTools): void {
  installed = tools;
}

/**
 * One of them.
 *
 * @throws ArgumentError where none was put in
 */
export function moduleTool<Name extends keyof ModuleTools>(name: Name): ModuleTools[Name] {
  if (installed !== undefined) return installed[name];
  const [received, expected] = ["that of '@rnn/nn/lean', which has no such method", "a module of '@rnn/nn'"];
  refuse(ArgumentError, name, 'the module', { received, expected, hint: "import '@rnn/nn' once" });
}
