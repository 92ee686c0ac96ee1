/** The state contract that a file may carry: which outputs are the next call's inputs. */
import type { OnnxModel } from '../../onnx/decode-model.js';

/** An output that is the next call's input. */
export interface Link {
  readonly input: string;
  readonly output: string;
  /** What the state is before the first call. */
  readonly initial: number;
}

export const STATE_KEY = 'rnn.state';
export const CONTEXT_KEY = 'rnn.context';
export const SELF_TEST_KEY = 'rnn.self_test';

/** A text of the metadata as JSON; `undefined` where it is not there or is none. */
export function jsonOf(model: OnnxModel, key: string): unknown {
  const entry = model.metadataProps.find((each) => each.key === key);
  if (entry === undefined) return undefined;
  try {
    return JSON.parse(entry.value) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The links of a file; `undefined` without a contract, or where it is not to be understood. */
export function contractOf(model: OnnxModel): Link[] | undefined {
  const list = jsonOf(model, STATE_KEY);
  if (!Array.isArray(list)) return undefined;
  const links: Link[] = [];
  for (const each of list as unknown[]) {
    const { input, output, initial = 0 } = (each ?? {}) as Partial<Record<keyof Link, unknown>>;
    if (typeof input !== 'string' || typeof output !== 'string' || typeof initial !== 'number') return undefined;
    links.push({ input, output, initial });
  }
  return links;
}
