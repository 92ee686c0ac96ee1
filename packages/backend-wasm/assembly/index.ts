// The kernels. Pointers and strides count bytes, sizes count elements; nothing is checked.
export * from './binary';
export * from './blocks';
export * from './kernels.generated';
export * from './matmul';
export * from './move';
export * from './reduce';
export * from './unary';

/** Tells the two builds apart. */
export const simdLevel: i32 = ASC_FEATURE_RELAXED_SIMD ? 2 : 1;
