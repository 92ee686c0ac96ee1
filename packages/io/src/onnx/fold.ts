/** Nodes whose inputs are known are computed once, while the graph is built. */
import { HOST_LIMIT } from './host-array.js';
import { knownValue, type Names } from './names.js';
import type { Node } from './node.js';
import type { Inputs, Kernel, Surroundings } from './plan.js';
import type { Value } from './value.js';

/** Ends the folding of a node that needs more than the host. */
class NotFoldable extends Error {}

/** Stands around a node whose inputs are all known: there is no device yet. */
const nothing: Surroundings = {
  get backend(): never {
    throw new NotFoldable();
  },
  run(): never {
    throw new NotFoldable();
  },
  runOnce(): never {
    throw new NotFoldable();
  },
  lookUp(): never {
    throw new NotFoldable();
  },
  keep(): never {
    throw new NotFoldable();
  },
};

/** The results of a node, where its inputs are known and small. */
export function fold(node: Node, kernel: Kernel, names: Names): readonly (Value | undefined)[] | undefined {
  if (!('run' in kernel)) return undefined;
  const inputs: Inputs = node.inputs.map((name) => (name === '' ? undefined : knownValue(names, name)));
  if (inputs.some((value, i) => node.inputs[i] !== '' && (value === undefined || value.size > HOST_LIMIT)))
    return undefined;
  try {
    const outputs = kernel.run(inputs, nothing);
    return outputs.every((value) => value === undefined || value.isHost)
      ? outputs.map((value) => value?.fix())
      : undefined;
  } catch (error) {
    // Whatever is wrong shows again when the node runs, if it runs.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
