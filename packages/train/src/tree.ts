import { detach, Tensor, type Tree } from '@rnn/core';

/** The same tree with other tensors. */
export function mapTree<S extends Tree>(tree: S, map: (part: Tensor) => Tensor): S {
  const copy = (part: Tree): Tree => {
    if (part instanceof Tensor) return map(part);
    if (isList(part)) return part.map(copy);
    return Object.fromEntries(Object.entries(part).map(([name, item]) => [name, copy(item)]));
  };
  return copy(tree) as S;
}

/** The same tree with handles of its own that nothing is recorded behind; the caller frees them. */
export function keptTree<S extends Tree>(tree: S): S {
  return mapTree(tree, (part) => detach(part).keep());
}

/** The tree of this form with these tensors in it, as `leavesOf` gives them. */
export function withLeaves<S extends Tree>(form: S, leaves: readonly Tensor[]): S {
  let at = 0;
  return mapTree(form, () => leaves[at++]);
}

/** The tensors of a tree, in an order that depends on its form alone. */
export function leavesOf(tree: Tree): Tensor[] {
  const leaves: Tensor[] = [];
  mapTree(tree, (part) => {
    leaves.push(part);
    return part;
  });
  return leaves;
}

/** Frees the tensors of a state. */
export function disposeTree(tree: Tree | undefined): void {
  if (tree === undefined) return;
  mapTree(tree, (part) => {
    part.dispose();
    return part;
  });
}

/** Whether a value is a tree of tensors. */
export function isTree(value: unknown): value is Tree {
  if (value instanceof Tensor) return true;
  if (Array.isArray(value)) return value.every(isTree);
  return isPlainObject(value) && Object.values(value).every(isTree);
}

/**
 * Whether a value is an object as a literal makes it: what is looked into for tensors, as lists
 * are.
 */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function isList(part: Tree): part is readonly Tree[] {
  return Array.isArray(part);
}
