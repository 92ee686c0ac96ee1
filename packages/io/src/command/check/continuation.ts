/**
 * Holds a model to what a state is for: a sequence in two parts, the state handed on between them,
 * gives what the whole sequence gives.
 * Swapped states, a state that stays behind, and a convolution that would need the end of the part
 * before break that law.
 */
import { FormatError, RnnError } from '@rnn/core';
import type { HostTensor } from '../../host/host-tensor.js';
import type { OnnxModel } from '../../onnx/decode-model.js';
import type { OnnxValueInfo } from '../../onnx/input-value.js';
import type { Link } from './contract.js';
import type { Findings } from './finding.js';
import { cut, distance, type HostTensors, type Run } from './runner.js';

/** The steps of the whole sequence, and where it is cut. */
const STEPS = 40;
const CUT = 23;
/** The size of every other free dimension. */
const BATCH = 2;
/** Orders of states that are tried. */
const ORDERS_AT_MOST = 24;

interface Plan {
  readonly inputs: readonly OnnxValueInfo[];
  /** The name of the dimension of time. */
  readonly time: string;
  readonly links: readonly Link[];
  /** Whether there is a convolution, so that a dimension may be that of a frame. */
  readonly isFramed: boolean;
}

export function checkContinuation(
  model: OnnxModel,
  inputs: readonly OnnxValueInfo[],
  links: readonly Link[],
  run: Run,
  findings: Findings,
): void {
  const time = timeOf(inputs, links);
  if (time === undefined) return;
  const nodes = model.graph.node;
  const isFramed = nodes.some(({ opType }) => opType === 'Conv');
  const plan: Plan = { inputs, time, links, isFramed };
  let faults: string[] | undefined;
  try {
    faults = faultsOf(plan, run);
  } catch (error) {
    // Sizes that the model cannot have: then there is nothing to compare.
    if (error instanceof RnnError && !(error instanceof FormatError)) return;
    throw error;
  }
  if (faults === undefined) return;
  if (faults.length === 0) {
    findings.keep('state', undefined, `a sequence in two parts, states handed on, gives what the whole gives`);
    return;
  }
  for (const order of orders(links).slice(1, ORDERS_AT_MOST)) {
    if (faultsOf({ ...plan, links: order }, run)?.length !== 0) continue;
    const right = order
      .filter(({ output }, i) => output !== links[i].output)
      .map(({ input, output }) => `${output} -> ${input}`);
    findings.wrong(
      'state',
      undefined,
      `swapped: a sequence in two parts gives what the whole gives with ${right.join(', ')}`,
    );
    return;
  }
  const isBackward = nodes.some(({ attribute }) =>
    attribute.some(({ name, s, ints }) =>
      name === 'direction'
        ? new TextDecoder().decode(s) !== 'forward'
        : name === 'scan_input_directions' && ints.includes(1n),
    ),
  );
  const what = `a sequence in two parts, states handed on, does not give what the whole gives (${faults.join(', ')})`;
  if (isBackward)
    findings.change('state', undefined, `${what}: the model also runs backwards, so it needs whole sequences`);
  else if (isFramed) {
    findings.wrong(
      'state',
      undefined,
      `${what}: a wrong context; its convolution fills up with padding where it needs the end of the part before, which no state hands on`,
    );
  } else
    findings.wrong(
      'state',
      undefined,
      `${what}: a stale state; something that the model carries along is not handed on`,
    );
}

/** The free dimension that inputs have and states have not. */
function timeOf(inputs: readonly OnnxValueInfo[], links: readonly Link[]): string | undefined {
  const isState = ({ name }: OnnxValueInfo): boolean => links.some(({ input }) => input === name);
  if (!inputs.some(isState)) return undefined;
  const free = (infos: readonly OnnxValueInfo[]): Set<string> =>
    new Set(infos.flatMap(({ shape }) => shape.filter((size) => typeof size === 'string')));
  const ofStates = free(inputs.filter(isState));
  const names = [...free(inputs.filter((info) => !isState(info)))].filter(
    (name) => !ofStates.has(name) && name !== '?',
  );
  // Whole numbers beside the sequence are lengths or settings, of which nothing is known.
  const isSetting = ({ dtype, shape }: OnnxValueInfo): boolean => !dtype.includes('float') && !shape.includes(names[0]);
  return names.length === 1 && !inputs.some(isSetting) ? names[0] : undefined;
}

/** Outputs that differ; nothing where parts cannot be compared with the whole. */
function faultsOf({ inputs, time, links, isFramed }: Plan, run: Run): string[] | undefined {
  const random = randomNumbers();
  const isState = (name: string): boolean => links.some(({ input }) => input === name);
  const whole: HostTensors = Object.fromEntries(
    inputs.map(({ name, shape, dtype }): [string, HostTensor] => {
      const sizes = shape.map((size) => (size === time ? STEPS : typeof size === 'string' ? BATCH : size));
      const data = new Float64Array(sizes.reduce((product, size) => product * size, 1));
      return [
        name,
        { shape: sizes, data: data.map(() => (dtype.includes('float') ? random() : Number(random() > 0))) },
      ];
    }),
  );
  const part = (start: number, end: number, states: HostTensors): HostTensors =>
    Object.fromEntries(
      inputs.map(({ name, shape }) => {
        const axis = shape.indexOf(time);
        if (isState(name)) return [name, states[name]];
        return [name, axis < 0 ? whole[name] : cut(whole[name], axis, start, end)];
      }),
    );
  const states = (results: HostTensors): HostTensors =>
    Object.fromEntries(links.map(({ input, output }) => [input, results[output]]));
  const expected = run(whole);
  const before = run(part(0, STEPS - 1, whole));
  const sequences = Object.entries(expected).filter(([name]) => !links.some(({ output }) => output === name));
  // A convolution without padding gives less than it gets: so much of the part before begins the
  // next one.
  const axes = new Map<string, number>();
  let overlap = 0;
  for (const [name, { shape }] of sequences) {
    const axis = shape.findIndex((size, i) => size !== before[name].shape[i]);
    if (axis < 0) continue;
    if (shape[axis] - before[name].shape[axis] !== 1 || shape[axis] > STEPS) return undefined;
    axes.set(name, axis);
    overlap = Math.max(overlap, STEPS - shape[axis]);
  }
  // Without an output that grows with the sequence, and with a convolution in front, it may be a
  // frame instead.
  if (axes.size === 0 && isFramed) return undefined;
  if (overlap >= CUT || overlap >= STEPS - CUT) return undefined;
  const first = run(part(0, CUT, whole));
  const second = run(part(CUT - overlap, STEPS, states(first)));
  const faults: string[] = [];
  for (const [name, tensor] of Object.entries(expected)) {
    const axis = axes.get(name);
    const end = axis === undefined ? 0 : tensor.shape[axis];
    const rest = axis === undefined ? tensor : cut(tensor, axis, end - second[name].shape[axis], end);
    if (distance(second[name], rest) > 1) faults.push(name);
  }
  return faults;
}

/** Orders in which outputs of one shape could belong to the inputs; the given one first. */
function orders(links: readonly Link[]): Link[][] {
  const result: Link[][] = [];
  const go = (at: number, left: readonly string[], made: readonly Link[]): void => {
    if (result.length >= ORDERS_AT_MOST) return;
    if (at === links.length) result.push([...made]);
    else {
      left.forEach((output, i) =>
        go(
          at + 1,
          left.filter((_, other) => other !== i),
          [...made, { ...links[at], output }],
        ),
      );
    }
  };
  go(
    0,
    links.map(({ output }) => output),
    [],
  );
  return result;
}

/** Numbers between -1 and 1, the same at every call. */
function randomNumbers(): () => number {
  let state = 20_011;
  return () => ((state = (state * 48_271) % 2_147_483_647) / 2_147_483_647) * 2 - 1;
}
