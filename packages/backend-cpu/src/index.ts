/** The reference backend of @rnn: plain TypeScript over typed arrays. */
export { cpu, cpu as default } from './cpu.js';
