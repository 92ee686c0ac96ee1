// What a user's page does: makes a backend and multiplies.
/// <reference types="vite/client" />
import { wasm } from '@rnn/backend-wasm';
import worker from '@rnn/backend-wasm/worker.js?url&no-inline';
import { ones, RnnError, setBackend, type Backend } from '@rnn/core';

/** The backend's own count of calls that its workers took. */
function helpedBy(backend: Backend): number {
  const { helpers } = backend as unknown as { readonly helpers: { readonly threads: { readonly helped: number } } };
  return helpers.threads.helped;
}

/** Computes on two threads, if it may; tells what came of it. */
export async function compute(isOwnFile: boolean): Promise<object> {
  try {
    const backend = await wasm({ threads: 2, ...(isOwnFile ? { worker } : {}) });
    setBackend(backend);
    const { threads, notes } = backend.info;
    const x = ones([300, 300]);
    let total = x.matmul(x).sum().item();
    if (threads === 1) return { threads, notes, total };
    // A worker takes its share if it wakes in time, which on a busy machine it may not do every
    // time.
    for (let i = 0; i < 1000 && helpedBy(backend) === 0; i++) total = x.matmul(x).sum().item();
    return { threads, notes, total, hasHelped: helpedBy(backend) > 0 };
  } catch (error) {
    return error instanceof RnnError ? { code: error.code, message: error.message } : { message: String(error) };
  }
}
