/**
 * Imported for its effect: gives `Tensor` the operations as methods, so that `tensor.ts` need not
 * import what imports it.
 */
import { backward } from './backward.js';
import { registerHook, retainGrad } from './hooks.js';
import { reshape, expand, sum } from './ops/broadcast.js';
import { to } from './ops/convert.js';
import { gelu, silu } from './ops/activations.js';
import * as arithmetic from './ops/arithmetic.js';
import * as comparison from './ops/comparison.js';
import { cumprod, cumsum } from './ops/cumulative.js';
import { erf } from './ops/erf.js';
import { cos, sin } from './ops/trigonometry.js';
import * as functions from './ops/functions.js';
import { clone, detach } from './ops/identity.js';
import * as indexing from './ops/indexing.js';
import { chunk, split, unbind } from './ops/join.js';
import * as masks from './ops/masks.js';
import { matmul } from './ops/matmul.js';
import * as movement from './ops/movement.js';
import { norm } from './ops/norm.js';
import { prod } from './ops/product.js';
import * as reduce from './ops/reduce.js';
import * as rounding from './ops/rounding.js';
import { multinomial } from './ops/sample.js';
import { logSoftmax, softmax } from './ops/softmax.js';
import * as parts from './ops/slice.js';
import * as order from './ops/sort.js';
import * as predicates from './ops/predicates.js';
import { std, variance } from './ops/variance.js';
import { pad, unfold } from './ops/windows.js';
import { formatTensor } from './format.js';
import { Tensor } from './tensor.js';
import type { KeepDim, NestedArray, TensorMethods, ValuesAndIndices } from './tensor-methods.js';

/** Nested arrays, as deep as the tensor has dimensions. */
function toArray(x: Tensor): NestedArray {
  const data = x.dataSync();
  let next = 0;
  const level = (depth: number): NestedArray =>
    depth === x.rank ? data[next++] : Array.from({ length: x.shape[depth] }, () => level(depth + 1));
  return level(0);
}

function max(this: Tensor): Tensor;
function max(this: Tensor, dim: number, keepDim?: KeepDim): ValuesAndIndices<Tensor>;
function max(this: Tensor, dim?: number, keepDim?: KeepDim): Tensor | ValuesAndIndices<Tensor> {
  return reduce.max(this, dim as number, keepDim);
}

function min(this: Tensor): Tensor;
function min(this: Tensor, dim: number, keepDim?: KeepDim): ValuesAndIndices<Tensor>;
function min(this: Tensor, dim?: number, keepDim?: KeepDim): Tensor | ValuesAndIndices<Tensor> {
  return reduce.min(this, dim as number, keepDim);
}

/** The numbers as PyTorch prints them. */
function printed(x: Tensor): string {
  const size = `size=(${x.shape.join(', ')})`;
  if (x.isDisposed) return `tensor(<disposed>, ${size})`;
  const { synchronous, name } = x.backend.info;
  if (!synchronous) return `tensor(<on ${name}: await data() to see the numbers>, ${size})`;
  const suffix = [];
  if (x.edge !== undefined) {
    const { name: operation } = x.edge.node;
    suffix.push(`grad_fn=<${operation[0].toUpperCase()}${operation.slice(1)}Backward0>`);
  } else if (x.requiresGrad) suffix.push('requires_grad=True');
  return formatTensor({ data: x.dataSync(), shape: x.shape, dtype: x.dtype, suffix });
}

const methods: TensorMethods<Tensor> & ThisType<Tensor> = {
  add(other) {
    return arithmetic.add(this, other);
  },
  sub(other) {
    return arithmetic.sub(this, other);
  },
  mul(other) {
    return arithmetic.mul(this, other);
  },
  div(other) {
    return arithmetic.div(this, other);
  },
  pow(exponent) {
    return functions.pow(this, exponent);
  },
  maximum(other) {
    return arithmetic.maximum(this, other);
  },
  minimum(other) {
    return arithmetic.minimum(this, other);
  },
  neg() {
    return arithmetic.neg(this);
  },
  exp() {
    return functions.exp(this);
  },
  log() {
    return functions.log(this);
  },
  sqrt() {
    return functions.sqrt(this);
  },
  square() {
    return arithmetic.square(this);
  },
  reciprocal() {
    return arithmetic.reciprocal(this);
  },
  abs() {
    return functions.abs(this);
  },
  sign() {
    return functions.sign(this);
  },
  tanh() {
    return functions.tanh(this);
  },
  sigmoid() {
    return functions.sigmoid(this);
  },
  relu() {
    return functions.relu(this);
  },
  softplus() {
    return functions.softplus(this);
  },
  clamp(low, high) {
    return functions.clamp(this, low, high);
  },
  silu() {
    return silu(this);
  },
  gelu(options) {
    return gelu(this, options);
  },
  erf() {
    return erf(this);
  },
  sin() {
    return sin(this);
  },
  cos() {
    return cos(this);
  },
  floor() {
    return rounding.floor(this);
  },
  ceil() {
    return rounding.ceil(this);
  },
  trunc() {
    return rounding.trunc(this);
  },
  round() {
    return rounding.round(this);
  },
  eq(other) {
    return comparison.eq(this, other);
  },
  ne(other) {
    return comparison.ne(this, other);
  },
  lt(other) {
    return comparison.lt(this, other);
  },
  le(other) {
    return comparison.le(this, other);
  },
  gt(other) {
    return comparison.gt(this, other);
  },
  ge(other) {
    return comparison.ge(this, other);
  },
  where(condition, other) {
    return comparison.where(condition, this, other);
  },
  maskedFill(mask, value) {
    return masks.maskedFill(this, mask, value);
  },
  isnan() {
    return predicates.isnan(this);
  },
  isinf() {
    return predicates.isinf(this);
  },
  isfinite() {
    return predicates.isfinite(this);
  },
  isclose(other, options) {
    return predicates.isclose(this, other, options);
  },
  allclose(other, options) {
    return predicates.allclose(this, other, options);
  },
  matmul(other, options) {
    return matmul(this, other, options);
  },
  sum(dims, keepDim) {
    return sum(this, dims, keepDim);
  },
  mean(dims, keepDim) {
    return reduce.mean(this, dims, keepDim);
  },
  amax(dims, keepDim) {
    return reduce.amax(this, dims, keepDim);
  },
  amin(dims, keepDim) {
    return reduce.amin(this, dims, keepDim);
  },
  max,
  min,
  argmax(dim, keepDim) {
    return reduce.argmax(this, dim, keepDim);
  },
  argmin(dim, keepDim) {
    return reduce.argmin(this, dim, keepDim);
  },
  logsumexp(dims, keepDim) {
    return reduce.logsumexp(this, dims, keepDim);
  },
  var(dims, options) {
    return variance(this, dims, options);
  },
  std(dims, options) {
    return std(this, dims, options);
  },
  norm(p, dims, keepDim) {
    return norm(this, p, dims, keepDim);
  },
  prod(dims, keepDim) {
    return prod(this, dims, keepDim);
  },
  any(dims, keepDim) {
    return predicates.any(this, dims, keepDim);
  },
  all(dims, keepDim) {
    return predicates.all(this, dims, keepDim);
  },
  cumsum(dim) {
    return cumsum(this, dim);
  },
  cumprod(dim) {
    return cumprod(this, dim);
  },
  softmax(dim) {
    return softmax(this, dim);
  },
  logSoftmax(dim) {
    return logSoftmax(this, dim);
  },
  reshape(shape) {
    return reshape(this, shape);
  },
  flatten(startDim, endDim) {
    return movement.flatten(this, startDim, endDim);
  },
  squeeze(dims, ...more: never[]) {
    return movement.squeeze(this, dims, ...more);
  },
  unsqueeze(dim) {
    return movement.unsqueeze(this, dim);
  },
  permute(dims) {
    return movement.permute(this, dims);
  },
  transpose(dim0, dim1) {
    return movement.transpose(this, dim0, dim1);
  },
  t() {
    return movement.t(this);
  },
  slice(dim, start, end, step) {
    return parts.slice(this, dim, start, end, step);
  },
  narrow(dim, start, length) {
    return parts.narrow(this, dim, start, length);
  },
  select(dim, index) {
    return parts.select(this, dim, index);
  },
  unbind(dim) {
    return unbind(this, dim);
  },
  split(sizes, dim) {
    return split(this, sizes, dim);
  },
  chunk(chunks, dim) {
    return chunk(this, chunks, dim);
  },
  flip(dims, ...more: never[]) {
    return movement.flip(this, dims, ...more);
  },
  expand(shape) {
    return expand(this, shape);
  },
  pad(padding, mode, value) {
    return pad(this, padding, mode, value);
  },
  unfold(dim, size, step) {
    return unfold(this, dim, size, step);
  },
  tril(diagonal) {
    return masks.tril(this, diagonal);
  },
  triu(diagonal) {
    return masks.triu(this, diagonal);
  },
  sort(dim, options) {
    return order.sort(this, dim, options);
  },
  argsort(dim, options) {
    return order.argsort(this, dim, options);
  },
  topk(k, dim, options) {
    return order.topk(this, k, dim, options);
  },
  multinomial(numSamples, options) {
    return multinomial(this, numSamples, options);
  },
  gather(dim, index) {
    return indexing.gather(this, dim, index);
  },
  indexSelect(dim, index) {
    return indexing.indexSelect(this, dim, index);
  },
  scatterAdd(dim, index, source) {
    return indexing.scatterAdd(this, dim, index, source);
  },
  oneHot(numClasses, options) {
    return indexing.oneHot(this, numClasses, options);
  },
  backward(gradient, options) {
    backward(this, gradient, options);
  },
  detach() {
    return detach(this);
  },
  clone() {
    return clone(this);
  },
  registerHook(hook) {
    return registerHook(this, hook);
  },
  retainGrad() {
    return retainGrad(this);
  },
  to(target) {
    return to(this, target);
  },
  toArray() {
    return toArray(this);
  },
};

for (const [name, method] of Object.entries(methods)) {
  Object.defineProperty(Tensor.prototype, name, { value: method, writable: true, configurable: true });
}
Object.defineProperty(Tensor.prototype, 'toString', {
  value(this: Tensor): string {
    return printed(this);
  },
  writable: true,
  configurable: true,
});
// What Node's console.log shows.
Object.defineProperty(Tensor.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: Tensor): string {
    return this.toString();
  },
});
