/** A line of the closing table. */
export interface Summary {
  /** Who did what, for somebody who has read nothing before. */
  readonly what: string;
  readonly result: string;
  /** What to hold the result against. */
  readonly beside: string;
}
