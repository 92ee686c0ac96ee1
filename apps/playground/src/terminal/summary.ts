/** A line of the closing table. */
export interface Summary {
  /** Which network. */
  readonly what: string;
  readonly result: string;
  /** What to hold the result against. */
  readonly beside: string;
}
