/** Tells the two builds apart. */
export const simdLevel: i32 = ASC_FEATURE_RELAXED_SIMD ? 2 : 1;
