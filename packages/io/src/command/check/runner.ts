/** Runs a model on numbers of the host. */
import { fromData, noGrad, scope, type Backend, type Tensor } from '@rnn/core';
import type { HostTensor } from '../../host/host-tensor.js';
import type { OnnxModule } from '../../onnx/onnx-module.js';

export type HostTensors = Readonly<Record<string, HostTensor>>;

/** From inputs to outputs, by name. */
export type Run = (inputs: HostTensors) => HostTensors;

/** How far results may lie apart, at 1 or below; above in proportion. */
export const TOLERANCE = 1e-4;

export function runnerOf(module: OnnxModule, backend: Backend): Run {
  const types = new Map(module.inputs.map(({ name, dtype }) => [name, dtype]));
  return (inputs) =>
    noGrad(() =>
      scope(() => {
        const given = Object.entries(inputs).map(([name, { shape, data }]): [string, Tensor] => {
          const type = types.get(name) ?? '';
          const isReal = type.includes('float') || type === 'bool';
          const dtype = type === 'float64' ? 'float64' : isReal ? 'float32' : 'int32';
          return [name, fromData(Array.from(data), [...shape], { dtype, backend })];
        });
        const results = Object.entries(module.run(Object.fromEntries(given)));
        return Object.fromEntries(
          results.map(([name, tensor]) => [name, { shape: [...tensor.shape], data: tensor.dataSync() }]),
        );
      }),
    );
}

/**
 * The largest distance between numbers, in units of the tolerance; infinite where the shapes
 * differ.
 */
export function distance(a: HostTensor | undefined, b: HostTensor | undefined): number {
  if (a === undefined || b === undefined || a.shape.join() !== b.shape.join()) return Infinity;
  let largest = 0;
  for (let i = 0; i < b.data.length; i++) {
    const [x, y] = [a.data[i], b.data[i]];
    if (Object.is(x, y) || (!Number.isFinite(x) && !Number.isFinite(y))) continue;
    const apart = Math.abs(x - y) / (TOLERANCE * Math.max(1, Math.abs(y)));
    largest = Number.isNaN(apart) ? Infinity : Math.max(largest, apart);
  }
  return largest;
}

/** The largest distance over all of some results. */
export function farthest(results: HostTensors, expected: HostTensors): number {
  return Math.max(0, ...Object.entries(expected).map(([name, tensor]) => distance(results[name], tensor)));
}

/** The places of one axis from `start` to `end`. */
export function cut({ shape, data }: HostTensor, axis: number, start: number, end: number): HostTensor {
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const run = shape[axis] * inner;
  const parts: number[] = [];
  for (let at = 0; at < data.length; at += run) {
    for (let i = start * inner; i < end * inner; i++) parts.push(data[at + i]);
  }
  return { shape: shape.map((size, i) => (i === axis ? end - start : size)), data: Float64Array.from(parts) };
}
