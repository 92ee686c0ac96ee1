/** Which nodes of a graph are needed, and until when. */
import type { PlannedNode } from './plan.js';

/** Leaves out nodes that nothing needs, and says for each of the others which names end with it. */
export function withLastUses<N extends Omit<PlannedNode, 'lastUses'> & { readonly uses: readonly string[] }>(
  nodes: readonly N[],
  outputs: readonly string[],
  inputs: ReadonlySet<string>,
): (N & PlannedNode)[] {
  const made = new Set(nodes.flatMap(({ node }) => node.outputs).filter((name) => name !== ''));
  const needed = new Set(outputs);
  const live: (N & PlannedNode)[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    const planned = nodes[i];
    if (!planned.node.outputs.some((name) => needed.has(name))) continue;
    const lastUses: string[] = [];
    for (const name of planned.node.outputs) if (name !== '' && !needed.has(name)) lastUses.push(name);
    for (const name of planned.uses) {
      if (needed.has(name)) continue;
      needed.add(name);
      if (made.has(name) || inputs.has(name)) lastUses.push(name);
    }
    live.push({ ...planned, lastUses });
  }
  return live.reverse();
}
