/** The fast backend of @rnn: WebAssembly with SIMD. */
export { wasm, wasm as default, type WasmOptions } from './wasm.js';
