/**
 * Trees of tensors: states of models and batches of data. Lists and plain objects are looked into;
 * whatever else stands in a batch, such as lengths or texts, is left as it is.
 */
import { detach, Tensor, type Tree } from '@rnn/core';

/** The same tree with other tensors. */
export function mapTree<T>(tree: T, map: (part: Tensor) => Tensor): T {
  const copy = (part: unknown): unknown => {
    if (part instanceof Tensor) return map(part);
    if (Array.isArray(part)) return part.map(copy);
    if (!isPlainObject(part)) return part;
    return Object.fromEntries(Object.entries(part).map(([name, item]) => [name, copy(item)]));
  };
  return copy(tree) as T;
}

/** The same tree with handles of its own that nothing is recorded behind; the caller frees them. */
export function keptTree<T>(tree: T): T {
  return mapTree(tree, (part) => detach(part).keep());
}

/** The tree of this form with these tensors in it, as `leavesOf` gives them. */
export function withLeaves<T>(form: T, leaves: readonly Tensor[]): T {
  let at = 0;
  return mapTree(form, () => leaves[at++]);
}

/** The tensors of a tree, in an order that depends on its form alone. */
export function leavesOf(tree: unknown): Tensor[] {
  const leaves: Tensor[] = [];
  const visit = (part: unknown): void => {
    if (part instanceof Tensor) leaves.push(part);
    else if (Array.isArray(part)) part.forEach(visit);
    else if (isPlainObject(part)) Object.values(part).forEach(visit);
  };
  visit(tree);
  return leaves;
}

/** Frees the tensors of a tree. */
export function disposeTree(tree: unknown): void {
  for (const part of leavesOf(tree)) part.dispose();
}

/** Whether a value is a tree of tensors and holds nothing else. */
export function isTree(value: unknown): value is Tree {
  if (value instanceof Tensor) return true;
  if (Array.isArray(value)) return value.every(isTree);
  return isPlainObject(value) && Object.values(value).every(isTree);
}

/** Whether a value is an object as a literal makes it, or one without a prototype. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
