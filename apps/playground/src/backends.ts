import { cpu } from '@rnn/backend-cpu';
import { native } from '@rnn/backend-native';
import { wasm } from '@rnn/backend-wasm';
import type { BackendFactories } from './chapters/context.ts';

/**
 * The backends that run in Node as in a page. A further one is a line here; the first is what the
 * others are held against.
 */
export const backends: BackendFactories = {
  cpu: () => cpu(),
  wasm: () => wasm(),
  // Machine code; where there is none for this machine, it says so.
  native: () => native(),
};
