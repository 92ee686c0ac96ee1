/** Runs the example that a file carries, and, where it fails, looks for the usual reason. */
import type { HostTensor } from '../../host/host-tensor.js';
import { isHostTensor } from '../../host/host-tensor.js';
import type { Link } from './contract.js';
import type { FrameContext } from './frame-context.js';
import type { Findings } from './finding.js';
import { cut, distance, farthest, TOLERANCE, type HostTensors, type Run } from './runner.js';

/** Inputs, and what the model makes of them. */
export interface Vector {
  readonly inputs: HostTensors;
  readonly outputs: HostTensors;
}

/**
 * A vector from JSON: `{ inputs: { name: { shape, data } }, outputs }`; nothing where it is none.
 */
export function vectorOf(value: unknown): Vector | undefined {
  const { inputs, outputs } = (value ?? {}) as Partial<Record<keyof Vector, unknown>>;
  const [given, expected] = [inputs, outputs].map(tensorsOf);
  return given === undefined || expected === undefined ? undefined : { inputs: given, outputs: expected };
}

function tensorsOf(value: unknown): HostTensors | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const entries: [string, HostTensor][] = [];
  for (const [name, each] of Object.entries(value as Record<string, unknown>)) {
    const { shape, data } = (each ?? {}) as { readonly shape?: unknown; readonly data?: unknown };
    if (!Array.isArray(data)) return undefined;
    // JSON has no NaN and no infinity; it writes null.
    const numbers = data.map((number: unknown) => (typeof number === 'number' ? number : NaN));
    const tensor = { shape, data: Float64Array.from(numbers) };
    if (!isHostTensor(tensor)) return undefined;
    entries.push([name, tensor]);
  }
  return Object.fromEntries(entries);
}

/** Runs a vector. */
export function checkVector(
  { inputs, outputs }: Vector,
  run: Run,
  links: readonly Link[],
  context: FrameContext | undefined,
  findings: Findings,
): void {
  const results = run(inputs);
  const missing = Object.keys(outputs).filter((name) => !Object.hasOwn(results, name));
  if (missing.length > 0) {
    findings.wrong('self-test', undefined, `it expects ${missing.join(', ')}, which the model does not give`);
    return;
  }
  if (farthest(results, outputs) <= 1) {
    const names = Object.keys(outputs).join(', ');
    findings.keep('self-test', undefined, `${names}: as expected within ${TOLERANCE}`);
    return;
  }
  for (const [name, expected] of Object.entries(outputs)) {
    const apart = distance(results[name], expected);
    if (apart <= 1) continue;
    const what =
      apart === Infinity && results[name].shape.join() !== expected.shape.join()
        ? `is [${results[name].shape.join(', ')}], expected [${expected.shape.join(', ')}]`
        : `lies up to ${(apart * TOLERANCE).toPrecision(3)} from what is expected`;
    findings.wrong('self-test', name, what);
  }
  const reason = reasonFor({ inputs, outputs }, results, run, links, context);
  if (reason !== undefined) findings.wrong('self-test', undefined, reason);
}

/** What makes the results those that are expected, if something usual does. */
function reasonFor(
  { inputs, outputs }: Vector,
  results: HostTensors,
  run: Run,
  links: readonly Link[],
  context: FrameContext | undefined,
): string | undefined {
  const fits = (changed: HostTensors): boolean => farthest(run(changed), outputs) <= 1;
  const names = Object.keys(inputs);
  for (const [a, b] of pairs(names)) {
    if (inputs[a].shape.join() !== inputs[b].shape.join()) continue;
    if (fits({ ...inputs, [a]: inputs[b], [b]: inputs[a] }))
      return `'${a}' and '${b}' are swapped: exchanged, it agrees`;
  }
  for (const [a, b] of pairs(Object.keys(outputs))) {
    if (farthest({ ...results, [a]: results[b], [b]: results[a] }, outputs) <= 1) {
      return `the outputs '${a}' and '${b}' are swapped: exchanged, it agrees`;
    }
  }
  const states = links.filter(({ input }) => Object.hasOwn(inputs, input));
  const filled = ({ shape, data }: HostTensor, value: number): HostTensor => ({
    shape,
    data: new Float64Array(data.length).fill(value),
  });
  for (const chosen of [states, ...states.map((link) => [link])]) {
    const initial = chosen.map(({ input, initial: value }) => [input, filled(inputs[input], value)]);
    if (chosen.length === 0 || !fits({ ...inputs, ...(Object.fromEntries(initial) as HostTensors) })) continue;
    const which = chosen.map(({ input }) => `'${input}'`).join(' and ');
    return `a stale state: with ${which} as before the first call it agrees, so what was handed on did not get there`;
  }
  for (const name of names) {
    const frames = inputs[name];
    if (frames.shape.length !== 2) continue;
    for (const size of contextSizes(name, frames.shape[1], context)) {
      if (fits({ ...inputs, [name]: withContext(frames, size) })) {
        return `a wrong context: with the last ${size} numbers of each frame of '${name}' at the beginning of the next (zeros before the first) it agrees`;
      }
      if (fits({ ...inputs, [name]: withContext(frames, size, true) })) {
        return `a wrong context: with zeros in the place of the first ${size} numbers of '${name}' it agrees, so what is expected was made without them`;
      }
    }
  }
  return undefined;
}

function contextSizes(name: string, width: number, context: FrameContext | undefined): number[] {
  const usual = [...(context?.input === name ? [context.size] : []), 64, 32, 128, 16, 8, 4, 2, 1, 256];
  return [...new Set(usual)].filter((size) => size < width);
}

/** Frames whose first numbers are the last ones of the frame before, or zeros. */
function withContext({ shape, data }: HostTensor, size: number, isEmpty = false): HostTensor {
  const [count, width] = shape;
  const numbers = Float64Array.from(data);
  for (let frame = 0; frame < count; frame++) {
    for (let i = 0; i < size; i++) {
      numbers[frame * width + i] = frame === 0 || isEmpty ? 0 : data[frame * width - size + i];
    }
  }
  return { shape, data: numbers };
}

/** Whether the frames of a vector repeat what they are to repeat of the ones before. */
export function checkFrames(vector: Vector, context: FrameContext, findings: Findings): void {
  if (!Object.hasOwn(vector.inputs, context.input)) return;
  const frames = vector.inputs[context.input];
  const { size } = context;
  if (frames.shape.length !== 2 || frames.shape[0] < 2) return;
  const [, width] = frames.shape;
  const heads = cut(cut(frames, 0, 1, frames.shape[0]), 1, 0, size);
  const tails = cut(cut(frames, 0, 0, frames.shape[0] - 1), 1, width - size, width);
  if (distance(heads, tails) <= 1) return;
  findings.change(
    'self-test',
    context.input,
    `a wrong context, unless each frame stands alone: its frames do not begin with the last ${size} numbers of the frames before`,
  );
}

function pairs(names: readonly string[]): (readonly [string, string])[] {
  return names.flatMap((a, i) => names.slice(i + 1).map((b) => [a, b] as const));
}
