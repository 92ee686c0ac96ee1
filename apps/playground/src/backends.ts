import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import type { Backend } from '@rnn/core';

/** The backends that the tour can run on. A further one is a line here. */
export const backends: Readonly<Record<string, () => Promise<Backend>>> = {
  cpu: () => cpu(),
  wasm: () => wasm(),
};
