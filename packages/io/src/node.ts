/**
 * Models in and out of files, in Node: paths, files larger than memory, and files that are there
 * whole or not at all.
 */
export {
  load,
  loadCheckpoint,
  openSafetensors,
  save,
  saveCheckpoint,
  type OpenSafetensorsFile,
  type SaveCheckpointOptions,
} from './files/files.js';
export { FileError } from './files/file-error.js';
