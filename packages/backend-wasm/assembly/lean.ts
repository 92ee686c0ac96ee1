// The kernels of the lean entry: those of single operations, with products row by row. Products of
// many rows by a packed factor are 5 kB of code, and compiled programs call the rest.
export { binary, select } from './binary';
export * from './kernels.generated';
export { productInt, vectors, vectorsTransposed } from './matmul';
export * from './move';
export * from './reduce';
export * from './simd-level';
export * from './unary';
