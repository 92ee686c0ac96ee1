// Walks over outer dimensions. A kernel does one run along the last dimension; where the runs begin
// is worked out here.
import { WALK } from '../src/layout';

/** Size of an outer dimension, and its stride in bytes for operand `i`. */
// @ts-ignore: decorator
@inline
export function sizeAt(dim: i32): i32 {
  return load<i32>(WALK + (<usize>dim << 4));
}

// @ts-ignore: decorator
@inline
export function strideAt(dim: i32, i: i32): i32 {
  return load<i32>(WALK + (<usize>dim << 4) + (<usize>i << 2), 4);
}

/** Number of runs. */
export function runsOf(dims: i32): i32 {
  let runs = 1;
  for (let dim = 0; dim < dims; dim++) runs *= sizeAt(dim);
  return runs;
}

/**
 * Offset in bytes of a run for operand `i`: the number of the run in the mixed base of the sizes.
 */
export function offsetOf(run: i32, dims: i32, i: i32): i32 {
  let offset = 0;
  for (let dim = dims - 1; dim >= 0; dim--) {
    const size = sizeAt(dim);
    const next = run / size;
    offset += (run - next * size) * strideAt(dim, i);
    run = next;
  }
  return offset;
}

