/** Trees of tensors: what a step takes and returns besides single tensors. */
import { Tensor } from './tensor.js';

/** A tensor, or lists and plain objects of tensors, nested as deep as one likes. */
export type Tree = Tensor | readonly Tree[] | { readonly [name: string]: Tree };

/**
 * The same tree with plain tensors in it: what a step sees of `[parameter, { c: parameter }]` is
 * `[Tensor, { c: Tensor }]`.
 */
export type TreeOf<T> = T extends Tensor ? Tensor : { readonly [K in keyof T]: TreeOf<T[K]> };

/** Deeper than any tree that is meant: an object that holds itself has no end. */
const DEPTH = 32;

/**
 * The form of a tree without its tensors. Two trees of one form have the same `TreeForm`, so forms
 * are compared by `===`.
 */
export class TreeForm {
  /** In words: `*` is a tensor, as in `[*, { h: *, c: * }]`. */
  readonly text: string;
  /** How many tensors a tree of this form has. */
  readonly size: number;
  private readonly parts: readonly TreeForm[];
  /** The names of the parts of an object; `undefined` for a list. */
  private readonly names: readonly string[] | undefined;

  private constructor(text: string, parts: readonly TreeForm[], names?: readonly string[]) {
    this.text = text;
    this.parts = parts;
    this.names = names;
    this.size = text === '*' ? 1 : parts.reduce((sum, part) => sum + part.size, 0);
  }

  /** A single tensor. */
  static readonly tensor: TreeForm = new TreeForm('*', []);
  private static readonly known = new Map<string, TreeForm>([['*', TreeForm.tensor]]);
  /** Lists of so many tensors, the form of nearly all states. */
  private static readonly flat: TreeForm[] = [];

  /**
   * The form of a value.
   *
   * @returns `undefined` for what is no tree
   */
  static of(value: unknown, depth = 0): TreeForm | undefined {
    if (value instanceof Tensor) return TreeForm.tensor;
    if (typeof value !== 'object' || value === null || depth > DEPTH) return undefined;
    if (Array.isArray(value)) {
      if (isFlat(value))
        return (TreeForm.flat[value.length] ??= TreeForm.listOf(Array.from(value, () => TreeForm.tensor)));
      const parts = value.map((part) => TreeForm.of(part, depth + 1));
      return parts.includes(undefined) ? undefined : TreeForm.listOf(parts as TreeForm[]);
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return undefined;
    const names = Object.keys(value);
    if (names.length === 0) return undefined; // nobody means this by a tree
    const parts = names.map((name) => TreeForm.of((value as Record<string, unknown>)[name], depth + 1));
    if (parts.includes(undefined)) return undefined;
    const forms = parts as TreeForm[];
    const entries = names.map((name, i) => `${isWord(name) ? name : JSON.stringify(name)}: ${forms[i].text}`);
    return TreeForm.the(`{ ${entries.join(', ')} }`, forms, names);
  }

  private static listOf(parts: readonly TreeForm[]): TreeForm {
    return TreeForm.the(`[${parts.map(({ text }) => text).join(', ')}]`, parts);
  }

  private static the(text: string, parts: readonly TreeForm[], names?: readonly string[]): TreeForm {
    let form = TreeForm.known.get(text);
    if (form === undefined) TreeForm.known.set(text, (form = new TreeForm(text, parts, names)));
    return form;
  }

  /**
   * The tensors of a tree in the order of this form, in a list of their own: the tree's may change
   * later. The names of an object may come in another order.
   *
   * @returns `undefined` for a tree of another form
   */
  leavesOf(tree: unknown): readonly Tensor[] | undefined {
    if (this === TreeForm.tensor) return tree instanceof Tensor ? [tree] : undefined;
    if (Array.isArray(tree) && tree.length === this.size && isFlat(tree)) {
      return this.names === undefined && this.parts.length === this.size ? tree.slice() : undefined;
    }
    const leaves: Tensor[] = [];
    return this.collect(tree, leaves) ? leaves : undefined;
  }

  private collect(tree: unknown, leaves: Tensor[]): boolean {
    if (this === TreeForm.tensor) {
      if (!(tree instanceof Tensor)) return false;
      leaves.push(tree);
      return true;
    }
    const { parts, names } = this;
    if (typeof tree !== 'object' || tree === null || tree instanceof Tensor) return false;
    if (names === undefined)
      return (
        Array.isArray(tree) && tree.length === parts.length && parts.every((part, i) => part.collect(tree[i], leaves))
      );
    if (Array.isArray(tree) || Object.keys(tree).length !== names.length) return false;
    return parts.every((part, i) => part.collect((tree as Record<string, unknown>)[names[i]], leaves));
  }

  /** A tree of this form with other tensors. Whoever gets it may change it. */
  filled(leaves: readonly Tensor[]): Tree {
    return this === TreeForm.flat[leaves.length] ? leaves.slice() : this.treeOf(leaves);
  }

  /** The same of a list that nobody else has: where the tree is a list of tensors, it is that. */
  treeOf(leaves: readonly Tensor[]): Tree {
    if (this === TreeForm.tensor) return leaves[0];
    return this === TreeForm.flat[leaves.length] ? leaves : this.build(leaves, { at: 0 });
  }

  private build(leaves: readonly Tensor[], next: { at: number }): Tree {
    if (this === TreeForm.tensor) return leaves[next.at++];
    const built = this.parts.map((part) => part.build(leaves, next));
    const { names } = this;
    return names === undefined ? built : Object.fromEntries(names.map((name, i) => [name, built[i]]));
  }
}

function isFlat(list: readonly unknown[]): boolean {
  for (let i = 0; i < list.length; i++) if (!(list[i] instanceof Tensor)) return false;
  return true;
}

function isWord(name: string): boolean {
  return /^[A-Za-z_$][\w$]*$/.test(name);
}
