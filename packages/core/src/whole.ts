/**
 * Imported for its effects: tensors have their methods, and loops are compiled. The build leaves
 * this import out of `@rnn/core/lean`; see docs/decisions/12-lean-entries.md.
 */
import './methods.js';
import './compiler/install.js';
