/** Tensors, automatic differentiation, the backend interface, and the loop over time. */
import './whole.js';

export { averagedOver, countAverages, type AverageCount } from './averages.js';
export type {
  Backend,
  BackendInfo,
  BinaryOp,
  ConcatPart,
  IndexSizes,
  Matrices,
  MatmulSizes,
  MemoryUse,
  NumericBound,
  Operand,
  ReduceOp,
  Storage,
  Strided,
  UnaryOp,
} from './backend.js';
export { backward, grad } from './backward.js';
export { getBackend, setBackend } from './current-backend.js';
export { asTypedArray, dtypeOf, hostArray, type DType, type TypedArray } from './dtype.js';
export {
  AnomalyError,
  ArgumentError,
  AutogradError,
  BackendError,
  DeviceLostError,
  DisposedError,
  DTypeError,
  FormatError,
  MemoryLimitError,
  RnnError,
  ShapeError,
  StateDictError,
  TraceError,
  type ErrorDetails,
} from './errors.js';
export { anomaly, enableGrad, isGradEnabled, noGrad } from './grad-mode.js';
export { gradcheck, gradgradcheck, type GradcheckOptions } from './gradcheck.js';
export { expand, reshape, sum } from './ops/broadcast.js';
export {
  arange,
  eye,
  fromData,
  rand,
  randint,
  randn,
  tensor,
  type RandomOptions,
  type TensorLike,
} from './ops/create.js';
export { add, div, maximum, minimum, mul, neg, reciprocal, square, sub } from './ops/arithmetic.js';
export { eq, ge, gt, le, lt, ne, where } from './ops/comparison.js';
export { abs, clamp, exp, log, pow, relu, sigmoid, sign, softplus, sqrt, tanh } from './ops/functions.js';
export { fromParts } from './ops/from-parts.js';
export { bernoulli, type BernoulliOptions } from './ops/bernoulli.js';
export { full, ones, onesLike, zeros, zerosLike, type TensorOptions } from './ops/fill.js';
export { gather, indexSelect, oneHot, scatterAdd } from './ops/indexing.js';
export { linear, matmul } from './ops/matmul.js';
export { chunk, concat, concat as cat, split, stack, unbind } from './ops/join.js';
export { clone, detach } from './ops/identity.js';
export { moveTo } from './ops/move-to.js';
export { flatten, flip, permute, squeeze, t, transpose, unsqueeze } from './ops/movement.js';
export { narrow, select, slice } from './ops/slice.js';
export { to } from './ops/convert.js';
export { amax, amin, argmax, argmin, logsumexp, max, mean, min } from './ops/reduce.js';
export { cumprod, cumsum } from './ops/cumulative.js';
export { gelu, silu } from './ops/activations.js';
export { erf } from './ops/erf.js';
export { maskedFill, tril, triu } from './ops/masks.js';
export { norm } from './ops/norm.js';
export { prod } from './ops/product.js';
export { ceil, floor, round, trunc } from './ops/rounding.js';
export { multinomial, randperm } from './ops/sample.js';
export { logSoftmax, softmax } from './ops/softmax.js';
export { argsort, sort, topk } from './ops/sort.js';
export { cos, sin } from './ops/trigonometry.js';
export { all, allclose, any, isclose, isfinite, isinf, isnan } from './ops/predicates.js';
export { std, variance, variance as var } from './ops/variance.js';
export { pad, unfold } from './ops/windows.js';
export { mapOperands, type InstructionBody, type OperandMap } from './instruction.js';
export {
  firstConst,
  firstInstruction,
  isConst,
  operandsOf,
  renumbered,
  showProgram,
  widthsOf,
  type CompiledProgram,
  type ConstOperand,
  type Instruction,
  type Program,
  type ProgramArguments,
  type ProgramOperand,
  type ProgramResults,
} from './program.js';
export { defaultGenerator, Generator, manualSeed } from './random.js';
export { setCompileMode, type CompileMode } from './compile-mode.js';
export { customOperation, type CustomOperation } from './custom-operation.js';
export type { Derivative } from './record.js';
export { compileFn, type CompiledFunction, type CompileFnOptions, type RowwiseFunction } from './compile-fn.js';
export { bindScan } from './bind-scan.js';
export { explain, lower } from './explain.js';
export { scan } from './scan.js';
export { associativeScan, type AssociativeScanOptions } from './associative-scan.js';
export type { BoundScan, ScanShapes } from './compiler-slot.js';
export {
  checkLengths,
  type Lengths,
  type ScanOptions,
  type Step,
  type StepParameters,
  type Tensors,
} from './scan/arguments.js';
export { compileCacheInfo, type CompileCacheInfo } from './compiler/cache/program-cache.js';
export type { Tree, TreeOf } from './tree.js';
export { tap, type Records } from './scan/tap.js';
export { scope, unscoped, type Disposable } from './scope.js';
export { sameShape, showShape, sizeOf, type Shape } from './shape.js';
export { Tensor, type GradHook } from './tensor.js';
export type { JsonNumber, TensorJson } from './tensor-json.js';
export type {
  BackwardOptions,
  CloseOptions,
  Dims,
  GeluOptions,
  KeepDim,
  MatmulOptions,
  MultinomialOptions,
  NestedArray,
  PadMode,
  SortOptions,
  SpreadOptions,
  TensorMethods,
  TopkOptions,
  ValuesAndIndices,
} from './tensor-methods.js';
export { executeProgram } from './compiler/run/interpreter.js';
export type {
  CarryKind,
  Explanation,
  Lowered,
  LoweredCall,
  LoweredInput,
  LoweredPass,
  LoweredStage,
} from './explanation.js';
export { maskProgram, type Masks } from './compiler/run/masks.js';
