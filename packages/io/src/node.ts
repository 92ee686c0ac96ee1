/** The same for paths: files in Node. */
export { FormatError } from './index.js';
