/** Places that run WebAssembly but let nobody compile it while the program runs. */
import { setBackend, tensor, type Backend } from '@rnn/core';
import { GRU, mseLoss } from '@rnn/nn';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readFileSync } from 'node:fs';
import { wasm } from '../src/index.js';

const bytes = readFileSync(new URL('../build/kernels-strict.wasm', import.meta.url));
const kernels = new WebAssembly.Module(bytes);

/**
 * As the engine answers in a realm without code generation: modules that were made before can be
 * instantiated, none can be made.
 */
function forbidCompiling(): void {
  const { Module: compiled, instantiate } = WebAssembly;
  const forbidden = (): never => {
    throw new WebAssembly.CompileError('Wasm code generation disallowed by embedder');
  };
  class Module {
    static [Symbol.hasInstance](value: unknown): boolean {
      return Object.prototype.toString.call(value) === '[object WebAssembly.Module]';
    }
    static readonly exports = (module: WebAssembly.Module): WebAssembly.ModuleExportDescriptor[] =>
      compiled.exports(module);
    constructor() {
      forbidden();
    }
  }
  vi.stubGlobal('WebAssembly', {
    ...Object.fromEntries(
      Object.getOwnPropertyNames(WebAssembly).map((name) => [name, Reflect.get(WebAssembly, name)]),
    ),
    Module,
    compile: async () => forbidden(),
    instantiate: async (source: unknown, imports: WebAssembly.Imports) =>
      source instanceof Module ? instantiate(source, imports) : forbidden(),
  });
}

beforeEach(forbidCompiling);
afterEach(() => void vi.unstubAllGlobals());

/** A layer's loss and the gradient of its weights. */
function trained(backend: Backend): number[] {
  setBackend(backend);
  const gru = new GRU(1, 2);
  const x = tensor([[[0.5]], [[-0.25]], [[1]]]);
  let i = 0;
  for (const parameter of gru.parameters()) {
    const next = tensor(Array.from({ length: parameter.size }, () => Math.sin(++i))).reshape(parameter.shape);
    parameter.copy_(next);
  }
  const loss = mseLoss(gru.forward(x)[0], tensor([[[1, 0]], [[0, 1]], [[1, 1]]]));
  loss.backward();
  return [loss.item(), ...gru.parameters().flatMap((p) => [...(p.grad?.dataSync() ?? [])])];
}

test('layers run by single operations on a given module, and info says so', async () => {
  const backend = await wasm({ module: kernels, deterministic: true });
  expect(backend.info.notes.join(' ')).toContain('Programs run by single operations');
  const here = trained(backend);
  vi.unstubAllGlobals();
  const usual = await wasm({ threads: 1, deterministic: true });
  expect(usual.info.notes.join(' ')).not.toContain('single operations');
  for (const [i, value] of trained(usual).entries()) expect(here[i]).toBeCloseTo(value, 5);
});

test('without a module the backend is refused when it is made, with what to do', async () => {
  await expect(wasm()).rejects.toMatchObject({
    code: 'ERR_BACKEND',
    message: expect.stringContaining('give the option module a WebAssembly.Module') as string,
  });
});
