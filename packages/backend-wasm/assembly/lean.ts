// The kernels of the lean entry: those of single operations. Compiled programs call the rest.
export { binary, select } from './binary';
export * from './kernels.generated';
export { multiply, productInt, vectors, vectorsTransposed } from './matmul';
export * from './move';
export * from './reduce';
export * from './simd-level';
export * from './unary';
