/** The anomaly mode: where numbers that are not finite come from. */
import { AnomalyError } from './errors.js';
import { showShape } from './shape.js';
import type { Tensor } from './tensor.js';

type Value = Tensor | undefined;

/** What looks at numbers in the anomaly mode. */
export interface ResultChecks {
  /**
   * Refuses the first NaN: one that an operation makes, or one that comes with its data. Notes
   * where an Infinity comes from, as it is no mistake by itself (a mask), but a NaN or a loss may
   * come of it.
   *
   * @param name - of the operation
   * @param inputs - its operands
   * @param results - what it made
   * @throws AnomalyError
   */
  readonly results: (name: string, inputs: readonly Value[], results: readonly Value[]) => void;
  /** The same for a derivative: a NaN in what it is made from was there before. */
  readonly gradients: (name: string, inputs: readonly Value[], results: readonly Value[]) => void;
  /**
   * Refuses an infinite loss, whose gradients mean nothing.
   *
   * @throws AnomalyError
   */
  readonly loss: (loss: Tensor) => void;
}

/** Where an infinite result has its Infinity from. */
interface Origin {
  readonly operation: string;
  readonly text: string;
}

/** Of the infinite results of operations that were looked at. */
const origins = new WeakMap<Tensor, Origin>();

function checkResults(name: string, inputs: readonly Value[], results: readonly Value[]): void {
  for (const result of results) {
    if (result === undefined) continue;
    const at = positionOf(result, Number.isNaN);
    if (at >= 0) refuseNaN(name, inputs, result, at);
    noteInfinity(name, inputs, result);
  }
}

function checkGradients(name: string, inputs: readonly Value[], results: readonly Value[]): void {
  for (const result of results) {
    if (result === undefined) continue;
    const at = positionOf(result, Number.isNaN);
    if (at < 0) noteInfinity(name, inputs, result);
    else if (!inputs.some((input) => positionOf(input, Number.isNaN) >= 0)) refuseNaN(name, inputs, result, at);
  }
}

function noteInfinity(name: string, inputs: readonly Value[], result: Tensor): void {
  const at = positionOf(result, isInfinite);
  if (at < 0) return;
  const source = infiniteOperand(inputs);
  origins.set(
    result,
    source === undefined
      ? { operation: name, text: `it arose in ${name}, at element ${at} of ${shown(result)}` }
      : originOf(name, inputs, source),
  );
}

function checkLoss(loss: Tensor): void {
  const at = positionOf(loss, isInfinite);
  if (at < 0) return;
  const { operation, text } = origins.get(loss) ?? { operation: 'backward', text: 'no operation made it' };
  throw new AnomalyError(operation, `${operation}: the loss is ${loss.dataSync()[at]}: ${text}`);
}

function refuseNaN(name: string, inputs: readonly Value[], result: Tensor, at: number): never {
  const odd = inputs.findIndex((input) => positionOf(input, Number.isNaN) >= 0);
  const operand = inputs[odd];
  // An operation that made it would have been refused.
  if (operand !== undefined) {
    const where = `element ${positionOf(operand, Number.isNaN)} of operand ${odd + 1} of shape ${showShape(operand.shape)}`;
    throw new AnomalyError(name, `${name}: NaN arrived here with the data, at ${where}; no operation made it`);
  }
  const shapes = inputs.map((input) => (input ? showShape(input.shape) : 'none')).join(', ');
  const source = infiniteOperand(inputs);
  const because =
    source === undefined ? '' : `; operand ${source + 1} holds Infinity: ${originOf(name, inputs, source).text}`;
  throw new AnomalyError(
    name,
    `${name}: the first NaN arose here, at element ${at} of ${shown(result)}, from inputs of shape ${shapes} without NaN${because}`,
  );
}

/** Where the Infinity of an operand comes from. */
function originOf(name: string, inputs: readonly Value[], at: number): Origin {
  const operand = inputs[at] as Tensor;
  const known = origins.get(operand);
  if (known !== undefined) return known;
  const element = positionOf(operand, isInfinite);
  const text = `it arrived with the data, at element ${element} of operand ${at + 1} of ${name}, of shape ${showShape(operand.shape)}`;
  return { operation: name, text };
}

function infiniteOperand(inputs: readonly Value[]): number | undefined {
  const at = inputs.findIndex((input) => positionOf(input, isInfinite) >= 0);
  return at < 0 ? undefined : at;
}

function positionOf(tensor: Value, matches: (value: number) => boolean): number {
  return tensor?.dataSync().findIndex(matches) ?? -1;
}

export const originChecks: ResultChecks = { results: checkResults, gradients: checkGradients, loss: checkLoss };

const isInfinite = (value: number): boolean => value === Infinity || value === -Infinity;
const shown = ({ shape }: Tensor): string => `a result of shape ${showShape(shape)}`;
