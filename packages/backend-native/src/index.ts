/** The backend of @rnn for Node that computes in machine code. */
export { native, native as default, type NativeOptions } from './native.js';
