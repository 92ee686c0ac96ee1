/** A loop as a scan, where its control part is known beforehand. */
import { fromData, noGrad, sameShape, scope, zeros } from '@rnn/core';
import { deviceType, isReal } from '../element-types.js';
import { withNames } from '../execute.js';
import type { Node } from '../node.js';
import type { Graph, Surroundings } from '../plan.js';
import { Value } from '../value.js';
import { bodyScan, type BodyScan } from './body-scan.js';
import { axisOf, placeOf, toFront } from './common.js';
import { cutBody, runControl, scalar, usesOf, type ControlRun, type CutBody, type Sequence } from './loop-control.js';

/** What a body that walks over nothing calls its steps: no file has such a name. */
const NO_NAME = '\0';

/** Runs a loop as a scan; gives nothing where it has to run turn by turn. */
type ScannedLoop = (turns: number, states: readonly Value[], around: Surroundings) => readonly Value[] | undefined;

/**
 * Prepares a loop to run as a scan.
 *
 * @param node - the loop
 * @param body - its inputs are the turn, the condition, and the states
 */
export function scannedLoop(node: Node, body: Graph): ScannedLoop {
  const cuts = new Map<string, CutLoop | undefined>();
  return (turns, states, around) => {
    // What is on the host may differ from call to call, as a model's inputs do.
    const isHostState = states.map((value) => value.isHost);
    const isHost = new Map(body.captured.map((name) => [name, around.lookUp(name).isHost]));
    const key = [...isHostState, ...isHost.values()].map(Number).join('');
    let loop = cuts.get(key);
    if (loop === undefined && !cuts.has(key)) {
      const cut = cutBody(body, isHostState, (name) => isHost.get(name) === true);
      loop = cut && new CutLoop(node, body, cut);
      cuts.set(key, loop);
    }
    return loop?.run(turns, states, around);
  };
}

/** Numbers that count up or down by one. */
interface Range {
  readonly first: number;
  readonly isDown: boolean;
}

/** What is known of a run before its turns are run. */
interface Outlook {
  readonly control: ControlRun;
  /** Control values that are the same in every turn. */
  readonly known: ReadonlyMap<string, Value>;
  /** The others that the rest uses. */
  readonly varying: readonly string[];
  /** Where the sequences are walked over. */
  readonly ranges: readonly Range[];
}

class CutLoop {
  readonly #node: Node;
  readonly #body: Graph;
  readonly #cut: CutBody;
  /** Names of the states in the body. */
  readonly #names: readonly string[];
  /** The outlook of the last call, and the numbers that it was made of. */
  #outlook: { readonly key: string; readonly value: Outlook | undefined } | undefined;
  /** Scans by the control values that differ from turn to turn. */
  readonly #scans = new Map<string, BodyScan>();

  constructor(node: Node, body: Graph, cut: CutBody) {
    this.#node = node;
    this.#body = body;
    this.#cut = cut;
    this.#names = body.inputs.slice(2);
  }

  run(turns: number, states: readonly Value[], outside: Surroundings): readonly Value[] | undefined {
    const { controlStates, constantStates, dataStates, sequences } = this.#cut;
    const data = dataStates.map((i) => states[i]);
    if (data.length === 0 || !data.every(({ type }) => isReal(type))) return undefined;
    const constants = new Map(constantStates.map((i) => [this.#names[i], states[i]]));
    const around = withNames(outside, constants);
    const initial = controlStates.map((i) => states[i]);
    const outlook = this.#outlookOf(turns, initial, around);
    if (outlook === undefined || !this.#keepsShapes(states, outside)) return undefined;
    const { control, known, varying, ranges } = outlook;
    const xs = sequences.map((sequence, i) => picked(this.#node, sequence, ranges[i], control.turns, around));
    for (const name of varying) xs.push(overTurns(control.watched.get(name) ?? [], around));
    if (xs.length === 0) xs.push(emptySteps(control.turns, data[0], around));
    const results = this.#scanOf(varying)(data, xs, withNames(around, known));
    const last = [...states];
    dataStates.forEach((at, i) => (last[at] = results[i]));
    controlStates.forEach((at, i) => (last[at] = control.last[i]));
    return [...last, ...results.slice(data.length)];
  }

  #outlookOf(turns: number, initial: readonly Value[], around: Surroundings): Outlook | undefined {
    const read = [...initial, ...this.#cut.reads.map((name) => around.lookUp(name))];
    const numbers = read.map(({ host }) => `${host.shape.join()}:${Array.from(host.numbers).join()}`);
    const key = [turns, ...numbers].join(';');
    if (this.#outlook?.key !== key) this.#outlook = { key, value: this.#makeOutlook(turns, initial, around) };
    return this.#outlook.value;
  }

  #makeOutlook(turns: number, initial: readonly Value[], around: Surroundings): Outlook | undefined {
    const control = runControl(this.#cut, turns, initial, around);
    if (control === undefined || control.turns === 0) return undefined;
    const known = new Map<string, Value>();
    const varying: string[] = [];
    for (const name of this.#cut.leaks) {
      const values = control.watched.get(name) ?? [];
      if (values.every((value) => isSame(value, values[0]))) known.set(name, values[0]);
      else if (this.#isOnlyComputedWith(name)) varying.push(name);
      else return undefined;
    }
    const ranges = this.#cut.sequences.map(({ index }) => rangeOf(control.watched.get(index) ?? []));
    return ranges.every((range) => range !== undefined) ? { control, known, varying, ranges } : undefined;
  }

  /** Whether no node needs the numbers of a control value on the host. */
  #isOnlyComputedWith(name: string): boolean {
    return this.#cut.nodes.every(({ node, kernel, captured }) => {
      if (captured.includes(name)) return false;
      if (!node.inputs.includes(name)) return true;
      if ('steps' in kernel || typeof kernel.onHost === 'function') return false;
      return !(kernel.onHost ?? []).some((position) => node.inputs[position] === name);
    });
  }

  /**
   * Whether states have the same shapes after a turn as before it, which a scan needs. One turn is
   * made to see. The answer is kept for inputs of these shapes.
   */
  #keepsShapes(states: readonly Value[], around: Surroundings): boolean {
    const body = this.#body;
    const find = (): boolean =>
      noGrad(() => {
        let isKept = false;
        scope(() => {
          const turn = around.run(body, [scalar('int64', 0), scalar('bool', 1), ...states]);
          const { done, value } = turn.next();
          // Where it waits for numbers, it ends here.
          if (done !== true) turn.return([]);
          else isKept = states.every(({ shape }, i) => sameShape(shape, value[i + 1].shape));
        });
        return isKept;
      });
    const isShaped = [...states, ...body.captured.map((name) => around.lookUp(name))].every((value) => value.isShaped);
    return isShaped ? around.keep(this, [], () => ({ value: find(), tensors: [] })) : find();
  }

  #scanOf(varying: readonly string[]): BodyScan {
    const key = varying.join('\n');
    const before = this.#scans.get(key);
    if (before !== undefined) return before;
    const { dataStates, sequences, nodes } = this.#cut;
    const steps = [...sequences.map(({ step }) => step), ...varying];
    if (steps.length === 0) steps.push(NO_NAME);
    const inputs = [...dataStates.map((i) => this.#names[i]), ...steps];
    const results = this.#body.outputs.slice(1);
    const outputs = [...dataStates.map((i) => results[i]), ...results.slice(this.#names.length)];
    const own = new Set([...inputs, ...this.#body.values.keys(), ...nodes.flatMap(({ node }) => node.outputs)]);
    const captured = [...new Set([...nodes.flatMap(usesOf), ...outputs])].filter((name) => !own.has(name));
    const scan = bodyScan({ ...this.#body, inputs, outputs, nodes, captured });
    this.#scans.set(key, scan);
    return scan;
  }
}

/** Whether two values of one name are the same. */
function isSame({ host: a }: Value, { host: b }: Value): boolean {
  return sameShape(a.shape, b.shape) && Array.from(a.numbers).every((number, i) => Object.is(number, b.numbers[i]));
}

/** The steps that single indices pick, where they follow one another. */
function rangeOf(indices: readonly Value[]): Range | undefined {
  if (indices.some(({ shape }) => shape.length > 0)) return undefined;
  const numbers = indices.map(({ host }) => host.numbers[0]);
  const isDown = numbers[1] < numbers[0];
  const [first] = isDown ? numbers.slice(-1) : numbers;
  const isRange = numbers.every((number, i) => number === (isDown ? numbers[0] - i : first + i));
  return isRange && first >= 0 ? { first, isDown } : undefined;
}

/** What a loop picks from a sequence, turn by turn, with the turns in front. */
function picked(node: Node, { name, axis }: Sequence, range: Range, turns: number, around: Surroundings): Value {
  const value = around.lookUp(name);
  const tensor = value.on(around.backend);
  const at = axisOf(node, axis, tensor.rank);
  const end = placeOf(node, range.first + turns - 1, tensor.shape[at]) + 1;
  const steps = toFront(tensor, at).slice(0, range.first, end);
  return Value.device(value.type, range.isDown ? steps.flip(0) : steps);
}

/** A control value of each turn as one tensor. */
function overTurns(values: readonly Value[], { backend }: Surroundings): Value {
  const [{ type, shape }] = values;
  const dtype = deviceType(type, backend.info.dtypes);
  const numbers = values.flatMap(({ host }) => Array.from(host.numbers));
  return Value.device(type, fromData(numbers, [values.length, ...shape], { dtype, backend }));
}

function emptySteps(turns: number, state: Value, { backend }: Surroundings): Value {
  const { dtype, shape } = state.on(backend);
  return Value.device(state.type, zeros([turns, ...shape.slice(0, 1), 1], { dtype, backend }));
}
