/** Imported for its effect: loops and row-wise functions are compiled from now on. */
import { installCompiler } from '../compiler-slot.js';
import { TraceError } from '../errors.js';
import { bindScan, runBoundScan } from './bound-scan.js';
import { bindRecordedScan } from './bound-training.js';
import { explainDispatch } from './explain.js';
import { loweredOf } from './lowered.js';
import { compiledScan, dispatch, recalledDispatch } from './pipeline.js';
import { OneStep } from './row-function.js';

installCompiler({
  boundScan: runBoundScan,
  bindScan: (scan, shapes) => {
    const known = recalledDispatch(scan);
    return known && (bindRecordedScan(scan, known, shapes) ?? bindScan(scan, known, shapes));
  },
  compiledScan,
  explainScan: (scan) => {
    const how = dispatch(scan);
    const [{ backend, shape }] = scan.inputs;
    const rows = how.kind === 'compiled' && how.batched ? shape[1] : 1;
    return explainDispatch(how, backend, { steps: scan.extent.steps, rows });
  },
  lowerScan: (scan) => {
    const how = dispatch(scan);
    if (how.kind === 'eager') throw new TraceError(`lower: ${how.reason}`);
    return loweredOf(how);
  },
  rowRunner: (name, fn, options) => new OneStep(name, fn, options),
});
