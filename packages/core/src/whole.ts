/**
 * Imported for its effects: tensors have their methods, and loops and row-wise functions are
 * compiled from now on. The build leaves this import out of `@rnn/core/lean`; see
 * docs/decisions/12-lean-entries.md.
 */
import './methods.js';
import { installCompiler } from './compiler-slot.js';
import { bindScan, runBoundScan } from './compiler/bound-scan.js';
import { getTrace } from './compiler/cache/trace-cache.js';
import { explainTraced, loweredOf } from './compiler/explain.js';
import { compiledScan, dispatch, reasonForEager, RowwiseCalls } from './compiler/pipeline.js';
import { TraceError } from './errors.js';

installCompiler({
  boundScan: runBoundScan,
  bindScan: (scan, shapes) => {
    const known = reasonForEager(scan) === undefined ? getTrace(scan) : undefined;
    return known && bindScan(scan, known, shapes);
  },
  compiledScan,
  explainScan: (scan) => explainTraced(dispatch(scan), scan),
  lowerScan: (scan) => {
    const traced = dispatch(scan);
    if (typeof traced === 'string') throw new TraceError(`lower: ${traced}`);
    return loweredOf(traced);
  },
  rowRunner: (name, fn, options) => new RowwiseCalls(name, fn, options),
});
