/**
 * Imported for its effects: tensors have their methods, loops are compiled, and modules can do all
 * that they say. The build leaves this import out of `@rnn/nn/lean`; see
 * docs/decisions/12-lean-entries.md.
 */
import { moveTo } from '@rnn/core';
import { cloneModule } from './clone-module.js';
import { described } from './describe.js';
import { describeLayer } from './layers/describe-layer.js';
import { bindLayer, explanationsOf, runBoundLayer } from './layers/layer-programs.js';
import { installLayerTools } from './layers/layer-tools.js';
import { Module } from './module.js';
import { installModuleTools } from './module-tools.js';
import { moveAtOnce } from './move-at-once.js';
import { formatSummary } from './summary.js';

installModuleTools({ clone: cloneModule, summary: formatSummary, printed: described, to: moveAtOnce, moveTo });
installLayerTools({ runBound: runBoundLayer, bind: bindLayer, described: describeLayer, explain: explanationsOf });

// What Node's console.log shows.
Object.defineProperty(Module.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: Module): string {
    return this.toString();
  },
});
