import { native } from '@rnn/backend-native';
import { BackendError } from '@rnn/core';
import { NotOffered, type Library } from '../library.ts';
import { oursOn } from './ours.ts';

/** Where the crate is built. */
export async function onNative(threads: number): Promise<Library> {
  try {
    const backend = await native({ threads });
    return oursOn({ backend, dtype: 'float32' }, `this checkout, ${backend.info.device}`);
  } catch (error) {
    if (error instanceof BackendError) throw new NotOffered(error.message);
    throw error;
  }
}
