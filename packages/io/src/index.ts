/** Models in and out of bytes. Nothing here needs Node, executes code from a file, or believes a size before it is checked. */
export { FormatError } from '@rnn/core';
export type { StateDict } from '@rnn/nn';
