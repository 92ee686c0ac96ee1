/** What a listing shows of a file. */

/** A tensor as a listing shows it. */
interface Listed {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly bytes: number;
}

/** Names with what is to be said of them. */
type Notes = readonly (readonly [key: string, value: string])[];

/** What is in a file, for a listing. */
export interface Contents {
  readonly format: string;
  readonly tensors: readonly Listed[];
  readonly metadata: Notes;
  /** Further parts, each with its title. */
  readonly parts?: readonly { readonly title: string; readonly notes: Notes }[];
}
