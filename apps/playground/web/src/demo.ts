import type { ComponentType } from 'preact';

/**
 * A demo of the page: what its tab is called, and how to get it. Nothing of it is loaded before it
 * is opened.
 */
export interface Demo {
  /** In the address: `#/text`. */
  readonly id: string;
  readonly title: string;
  /** What a visitor can do there, in a sentence. */
  readonly summary: string;
  load(): Promise<{ readonly default: ComponentType }>;
}
