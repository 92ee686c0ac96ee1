// The kernels. Pointers and strides count bytes, sizes count elements; nothing is checked.
export * from './binary';
export * from './blocks';
export * from './kernels.generated';
export * from './matmul';
export * from './move';
export * from './reduce';
export * from './simd-level';
export * from './unary';
