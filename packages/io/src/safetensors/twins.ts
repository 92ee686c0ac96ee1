import { refuse } from './header.js';

/**
 * Tied weights: values that a model has under two names. They are written once, under the first; a
 * note in the metadata says which names stand for which. (Python's `save_model` leaves second names
 * out, too, and `load_model` there, like `loadStateDict` here, finds by the model itself what is
 * tied.)
 */
const NOTE = 'rnn.tied';

/** The note for left-out names, each with the one that its values stand under. */
export function noteOnTwins(twins: Readonly<Record<string, string>>): [key: string, value: string] {
  return [NOTE, JSON.stringify(twins)];
}

/**
 * Gives every left-out name its tensor back.
 *
 * @param tensors - those of the file
 * @param metadata - all of the file's
 * @returns tensors with the left-out names beside the others, and the metadata without the note
 * @throws FormatError when the note does not fit the tensors
 */
export function withTwins<T>(
  tensors: Record<string, T>,
  metadata: Readonly<Record<string, string>>,
): { tensors: Record<string, T>; metadata: Readonly<Record<string, string>> } {
  const { [NOTE]: note, ...others } = metadata;
  if (note === undefined) return { tensors, metadata };
  let twins: unknown;
  try {
    twins = JSON.parse(note);
  } catch (cause) {
    refuse(`the metadata '${NOTE}' is not JSON`, cause);
  }
  const found = Object.entries(twins ?? {}).map(([name, first]): [string, T] => {
    if (Object.hasOwn(tensors, name) || !Object.hasOwn(tensors, first as string)) {
      refuse(`the metadata '${NOTE}' names '${name}' as the twin of '${first}', which does not fit the tensors`);
    }
    return [name, tensors[first as string]];
  });
  return { tensors: Object.fromEntries([...Object.entries(tensors), ...found]), metadata: others };
}
