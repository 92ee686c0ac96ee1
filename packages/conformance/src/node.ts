/** Reference cases on the disk, for Node. */
export { caseDirectory } from './case-directory.js';
