/**
 * Sums of products by a formula of labels. Two operands at a time become one product of matrices,
 * `[batch, left, summed] [batch, summed, right]`, in the order in which they are given.
 */
import { matmul, sizeOf, sum, type Tensor } from '@rnn/core';
import type { Node } from '../node.js';
import { needed } from '../operator.js';
import type { Kernel } from '../plan.js';
import { device } from './common.js';

/** A tensor with a label for each dimension. */
interface Labelled {
  readonly x: Tensor;
  readonly labels: readonly string[];
}

export function einsum(node: Node): Kernel {
  const formula = node.text('equation', '').replaceAll(' ', '');
  const [left, right] = formula.split('->');
  const terms = left.split(',');
  if (terms.length !== node.inputs.length)
    node.fail(`'${formula}' has ${terms.length} terms for ${node.inputs.length} inputs`);
  return {
    run(inputs, around) {
      const { type } = needed(node, inputs, 0);
      const operands = terms.map((term, i) => labelled(node, needed(node, inputs, i).on(around.backend), term));
      const all = operands.flatMap(({ labels }) => labels);
      const target = right === undefined ? implied(all) : labelsOf(node, right, dotsIn(all));
      const odd = target.find((label) => !isDots(label) && !all.includes(label));
      if (odd !== undefined) node.fail(`'${formula}' has '${odd}' on its right side only`);
      const kept = target.filter((label) => all.includes(label));
      let result = operands[0];
      operands.slice(1).forEach((operand, i) => {
        const later = new Set([...kept, ...operands.slice(i + 2).flatMap(({ labels }) => labels)]);
        result = multiplied(node, result, operand, (label) => later.has(label));
      });
      const { x, labels } = summed(result, (label) => kept.includes(label));
      return device(type, x.permute(kept.map((label) => labels.indexOf(label))));
    },
  };
}

/** Dimensions of '...' are labelled by their number from the end. */
const isDots = (label: string): boolean => label.startsWith('.');

/**
 * Of a formula without a right side: the dimensions of '...', then labels that come once, by the
 * alphabet.
 */
function implied(all: readonly string[]): string[] {
  const once = [...new Set(all)].filter((label) => !isDots(label) && all.indexOf(label) === all.lastIndexOf(label));
  return [...dotsOf(dotsIn(all)), ...once.sort()];
}

const dotsIn = (all: readonly string[]): number => new Set(all.filter(isDots)).size;

const dotsOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `.${count - i}`);

function labelsOf(node: Node, term: string, dots: number): string[] {
  const [before, behind, ...more] = term.split('...');
  if (more.length > 0 || /[^A-Za-z]/.test(before + (behind ?? ''))) node.fail(`'${term}' is no term of a formula`);
  return [...before.split(''), ...(behind === undefined ? [] : [...dotsOf(dots), ...behind.split('')])];
}

/** An operand by its term; of a label that comes twice the diagonal. */
function labelled(node: Node, tensor: Tensor, term: string): Labelled {
  const named = term.replace('...', '').length;
  const dots = tensor.rank - named;
  if (dots < 0 || (dots > 0 && !term.includes('...'))) node.fail(`'${term}' does not fit [${tensor.shape.join(', ')}]`);
  let [x, labels] = [tensor, labelsOf(node, term, dots)];
  for (;;) {
    const second = labels.findIndex((label, i) => labels.indexOf(label) < i);
    if (second < 0) return { x, labels };
    const first = labels.indexOf(labels[second]);
    const size = x.shape[first];
    if (x.shape[second] !== size) node.fail(`'${labels[first]}' is ${size} and ${x.shape[second]}`);
    const rest = labels.map((_, i) => i).filter((i) => i !== first && i !== second);
    const shape = rest.map((i) => x.shape[i]);
    const square = x.permute([...rest, first, second]).reshape([...shape, size * size]);
    x = square.slice(rest.length, 0, size * size, size + 1);
    labels = [...rest.map((i) => labels[i]), labels[first]];
  }
}

/** A tensor without the dimensions that nothing needs. */
function summed({ x, labels }: Labelled, isNeeded: (label: string) => boolean): Labelled {
  const dims = labels.map((_, i) => i).filter((i) => !isNeeded(labels[i]));
  return dims.length === 0 ? { x, labels } : { x: sum(x, dims), labels: labels.filter(isNeeded) };
}

function multiplied(node: Node, first: Labelled, second: Labelled, isNeeded: (label: string) => boolean): Labelled {
  const a = summed(first, (label) => isNeeded(label) || second.labels.includes(label));
  const b = summed(second, (label) => isNeeded(label) || a.labels.includes(label));
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const [batch, inner] = [shared.filter(isNeeded), shared.filter((label) => !isNeeded(label))];
  const [left, right] = [a, b].map(({ labels }) => labels.filter((label) => !shared.includes(label)));
  const sizeOfLabel = (label: string): number => {
    const sizes = [a, b].flatMap(({ x, labels }) => (labels.includes(label) ? [x.shape[labels.indexOf(label)]] : []));
    const size = sizes.find((s) => s !== 1) ?? 1;
    if (sizes.some((s) => s !== 1 && s !== size)) node.fail(`'${label}' is ${sizes.join(' and ')}`);
    return size;
  };
  const arranged = ({ x, labels }: Labelled, groups: readonly (readonly string[])[]): Tensor => {
    const order = groups.flat();
    const ordered = x.permute(order.map((label) => labels.indexOf(label)));
    return ordered.expand(order.map(sizeOfLabel)).reshape(groups.map((group) => sizeOf(group.map(sizeOfLabel))));
  };
  const product = matmul(arranged(a, [batch, left, inner]), arranged(b, [batch, inner, right]));
  const labels = [...batch, ...left, ...right];
  return { x: product.reshape(labels.map(sizeOfLabel)), labels };
}
