/**
 * Device memory that is used again. To make a buffer or a texture, a browser asks the driver for
 * memory and clears it, which took 50 microseconds for the smallest and 300 for a million numbers
 * where a kernel on them took 10. A training wants the same sizes at every step.
 */

/** Bytes. */
const SPARE = 2 ** 24;

/**
 * Pieces of memory that are not used at present, by a key that tells their size. Together with
 * those in use they are at most twice what was in use at one time, and a little: a training that
 * wants other sizes forward than backward finds both.
 */
export class IdleMemory<T extends object> {
  private readonly free: (piece: T) => void;
  private readonly sizeOf: (key: number) => number;
  private readonly spare: number;
  /** The key under which a piece was put last comes last. */
  private readonly byKey = new Map<number, T[]>();
  private readonly idle = new Set<T>();
  private idleSize = 0;
  private usedSize = 0;
  private mostUsed = 0;

  /**
   * @param free - gives a piece back to the device
   * @param sizeOf - the size of the pieces of a key
   * @param spare - the size that may always be idle
   */
  constructor(free: (piece: T) => void, sizeOf: (key: number) => number, spare: number = SPARE) {
    this.free = free;
    this.sizeOf = sizeOf;
    this.spare = spare;
  }

  /** A piece to use. Where there is none, the caller makes one, which counts as taken from here. */
  take(key: number): T | undefined {
    const pieces = this.byKey.get(key);
    const piece = pieces?.pop();
    if (pieces?.length === 0) this.byKey.delete(key);
    const size = this.sizeOf(key);
    if (piece !== undefined && this.idle.delete(piece)) this.idleSize -= size;
    this.usedSize += size;
    this.mostUsed = Math.max(this.mostUsed, this.usedSize);
    this.trim();
    return piece;
  }

  /** Takes back a piece that came from `take`. */
  put(key: number, piece: T): void {
    if (this.idle.has(piece)) return;
    this.idle.add(piece);
    const pieces = this.byKey.get(key) ?? [];
    pieces.push(piece);
    this.byKey.delete(key);
    this.byKey.set(key, pieces);
    const size = this.sizeOf(key);
    this.usedSize -= size;
    this.idleSize += size;
    this.trim();
  }

  /** Frees those that were idle for longest. */
  private trim(): void {
    const most = 2 * this.mostUsed + this.spare;
    for (const [key, pieces] of this.byKey) {
      while (this.usedSize + this.idleSize > most) {
        const piece = pieces.shift();
        if (piece === undefined) break;
        this.idle.delete(piece);
        this.idleSize -= this.sizeOf(key);
        this.free(piece);
      }
      if (pieces.length > 0) return;
      this.byKey.delete(key);
    }
  }
}
