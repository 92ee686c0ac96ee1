/** If: one of two graphs. */
import type { Node } from '../node.js';
import { needed, type Operators } from '../operator.js';
import type { Graph, Kernel } from '../plan.js';

/** Where the model itself has the condition, the other graph is not even looked at. */
function either(node: Node): Kernel {
  const known = node.constant(0)?.numbers[0];
  const pick = (condition: number): Graph => node.graph(condition === 0 ? 'else_branch' : 'then_branch');
  if (known !== undefined) {
    const graph = pick(known);
    return { steps: (_, around) => around.runOnce(graph, []) };
  }
  const [then, otherwise] = [pick(1), pick(0)];
  return {
    onHost: [0],
    *steps(inputs, around) {
      return yield* around.runOnce(needed(node, inputs, 0).host.numbers[0] === 0 ? otherwise : then, []);
    },
  };
}

export const branches: Operators = { If: either };
