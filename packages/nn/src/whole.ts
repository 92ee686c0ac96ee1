/**
 * Imported for its effects: tensors have their methods, loops are compiled, and modules can do all
 * that they say. The build leaves this import out of `@rnn/nn/lean`; see
 * docs/decisions/12-lean-entries.md.
 */
import { moveTo } from '@rnn/core';
import { cloneModule } from './clone-module.js';
import { described } from './describe.js';
import { installModuleTools } from './module-tools.js';
import { moveAtOnce } from './move-at-once.js';
import { formatSummary } from './summary.js';

installModuleTools({ clone: cloneModule, summary: formatSummary, printed: described, to: moveAtOnce, moveTo });
