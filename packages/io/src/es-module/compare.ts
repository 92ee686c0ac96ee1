/** What was exported is run beside the model before anybody gets it. */
import { ArgumentError, fromData, noGrad, scope, type Tensor, type TypedArray } from '@rnn/core';
import type { Module } from '@rnn/nn';
import { evaluating } from '../host/recording.js';
import type { Plan } from './plan.js';
import { createModel } from './runtime/create-model.js';
import { namedTensors, type SequenceForm } from './trace-flow.js';

/** Steps of the run that is compared. */
const COMPARED = 5;
/** Far above rounding, and far below what a step that is left out does. */
const TOLERANCE = 1e-4;

/**
 * Runs the model and its plan on a short sequence, since a forward may depend on the number of
 * steps in ways that no trace shows.
 */
export function compare(
  model: Module,
  inputs: readonly Tensor[],
  form: SequenceForm,
  plan: Plan,
  weights: string,
): void {
  const [example, ...states] = inputs;
  const [{ backend }] = [...model.parameters(), ...model.buffers(), example];
  const { time, batch } = form;
  const shape = example.shape.map((size, i) => (i === time ? COMPARED : i === batch ? 1 : size));
  const source = example.dataSync();
  const data = source.slice(0, 0).constructor as new (length: number) => TypedArray;
  const xs = new data(shape.reduce((product, size) => product * size, 1)).map((_, i) => source[i % source.length] ?? 0);
  const exported = createModel(plan, '', weights, 'js').run(xs);
  evaluating(model, () =>
    noGrad(() =>
      scope(() => {
        const x = fromData(xs, shape, { dtype: example.dtype, backend });
        const real = new Map(namedTensors(model.forward(...([x, ...states] as unknown as readonly never[]))));
        for (const { name } of plan.outputs) {
          const expected = (real.get(name) as Tensor).dataSync();
          const received = exported instanceof Float32Array ? exported : exported[name];
          const worst = distanceOf(expected, received);
          if (received.length === expected.length && worst <= TOLERANCE) continue;
          throw new ArgumentError(
            `exportModule: for ${COMPARED} steps '${name}' differs from the model's by ${worst}: forward depends on the number of steps, or computes the steps of a sequence in different ways; this is not exported`,
            { argument: 'model', expected: 'a forward that computes each step of the sequence alike' },
          );
        }
      }),
    ),
  );
}

/**
 * Runs some steps of a model whose forward is one, and of its plan: a forward may remember what no
 * trace shows.
 */
export function compareSteps(model: Module, inputs: readonly Tensor[], plan: Plan, weights: string): void {
  const [example, ...initial] = inputs;
  const { backend } = [...model.parameters(), ...model.buffers(), example][0];
  const exported = createModel(plan, '', weights, 'js');
  const state = exported.initialState();
  const frame = example.dataSync();
  evaluating(model, () =>
    noGrad(() =>
      scope(() => {
        let states: readonly Tensor[] = initial;
        for (let step = 0; step < COMPARED; step++) {
          // Another input each time, of the same numbers.
          const numbers = frame.map((_, i) => frame[(i + step) % frame.length]);
          const received = exported.step(numbers, state);
          const x = fromData(numbers, example.shape, { dtype: example.dtype, backend });
          const found = namedTensors(model.forward(...([x, ...states] as unknown as readonly never[])));
          plan.outputs.forEach(({ name }, i) => {
            const expected = found[i][1].dataSync();
            const worst = distanceOf(expected, received instanceof Float32Array ? received : received[name]);
            if (worst <= TOLERANCE) return;
            throw new ArgumentError(
              `exportModule: at step ${step} '${name}' differs from the model's by ${worst}: forward does not do the same at every call; this is not exported`,
              { argument: 'model', expected: 'a forward that computes each step alike' },
            );
          });
          states = found.slice(found.length - initial.length).map(([, tensor]) => tensor);
        }
      }),
    ),
  );
}

/** The largest relative distance of numbers. */
function distanceOf(expected: ArrayLike<number>, received: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(expected[i], received[i])) continue;
    const distance = Math.abs(expected[i] - received[i]) / Math.max(1, Math.abs(expected[i]));
    worst = distance <= worst ? worst : distance;
  }
  return worst;
}
