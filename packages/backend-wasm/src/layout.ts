/**
 * The bottom of linear memory: fixed places that kernels and host share. Both sides import this
 * file, so it holds plain numbers only.
 * Address 0 belongs to nobody: a null pointer means "none".
 */

/**
 * Walk arguments: for each outer dimension its size and up to three strides in bytes, outermost
 * first.
 */
export const WALK = 1024;
/** At most this many outer dimensions. */
export const WALK_DIMS = 64;
/** Three vectors in which a broadcast operand stands for itself. */
export const SPLATS = 2112;
/** A vector for what is left of a run behind its whole vectors. */
export const TAIL = 2176;
/** Operands of an elementwise kernel that are numbers, one element each. */
export const SCALARS = 2208;
/** float64 sums of a strip of columns. */
export const SUMS = 4096; // STRIP + 4 of them
/** Columns in a strip. */
export const STRIP = 512;
/** Where the allocator's memory begins. */
export const HEAP = 12288;

/** Fewer rows than this do not pay for packing a factor that is used once. */
export const GEMV_ROWS = 4;
/**
 * Terms of a matrix product that are summed before the sum goes back to memory: a panel of so many
 * rows stays in the first cache.
 */
export const BLOCK_K = 256;
/** Columns of the right factor that are packed at a time: with BLOCK_K terms they take 2 MiB. */
export const BLOCK_N = 2048;
/** Rows of the left factor that meet all of a block's panels: they stay in the second cache. */
export const BLOCK_M = 96;
/** Columns of a panel. */
export const PANEL = 8;
/**
 * Panels of so many bytes together meet each tile of the left factor at a time: they stay in the
 * first cache, with the tile.
 */
export const PANEL_BYTES = 16384;
/** Rows of a tile, at most. */
export const TILE_M = 6;
/** Bytes of a tile: room for one whose panel is not full. */
export const TILE_BYTES = 192;
