/** Imported for its effect: loops and row-wise functions are compiled from now on. */
import { installCompiler } from '../compiler-slot.js';
import { TraceError } from '../errors.js';
import { bindScan, runBoundScan } from './bound-scan.js';
import { getTrace } from './cache/trace-cache.js';
import { explainTraced, loweredOf } from './explain.js';
import { compiledScan, dispatch, reasonForEager, RowwiseCalls } from './pipeline.js';

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
