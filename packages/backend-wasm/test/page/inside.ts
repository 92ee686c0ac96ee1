// Computes in a worker of the page's own.
import { compute } from './compute.js';

const scope = globalThis as unknown as { postMessage(message: unknown, transfer: readonly object[]): void };
scope.postMessage(await compute(false), []);
