import * as core from '@rnn/core';
import { FormatError, type Tensor } from '@rnn/core';
import type { Config } from './config.js';
import type { Trial } from './trial.js';

/** Computes one operation from the inputs of a case and its options. */
type Operation = (trial: Trial, config: Config) => Tensor;

const unary = [
  ...(['neg', 'exp', 'log', 'sqrt', 'square', 'reciprocal', 'abs', 'sign'] as const),
  ...(['tanh', 'sigmoid', 'relu', 'softplus'] as const),
] as const;
const binary = [
  ...(['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'matmul'] as const),
  ...(['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const),
] as const;
const reductions = ['sum', 'mean', 'amax', 'amin', 'logsumexp'] as const;

/** Operations by PyTorch's names. */
const operations: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ...unary.map((op): [string, Operation] => [op, (trial) => core[op](trial.input('x'))]),
  ...binary.map((op): [string, Operation] => [op, (trial) => core[op](trial.input('a'), trial.input('b'))]),
  ...reductions.map((op): [string, Operation] => [
    op,
    (trial, config) => core[op](trial.input('x'), dimsOf(config), config.flag('keepdim', false)),
  ]),
  ...(['argmax', 'argmin'] as const).map((op): [string, Operation] => [
    op,
    (trial, config) => core[op](trial.input('x'), config.optionalNumber('dim'), config.flag('keepdim', false)),
  ]),
  ['pow', (trial, config) => core.pow(trial.input('x'), config.number('exponent'))],
  [
    'clamp',
    (trial, config) => core.clamp(trial.input('x'), config.optionalNumber('min'), config.optionalNumber('max')),
  ],
  ['softmax', (trial, config) => core.softmax(trial.input('x'), config.number('dim'))],
  ['log_softmax', (trial, config) => core.logSoftmax(trial.input('x'), config.number('dim'))],
  ['permute', (trial, config) => core.permute(trial.input('x'), listOf(config, 'dims'))],
  ['flip', (trial, config) => core.flip(trial.input('x'), listOf(config, 'dims'))],
  ['reshape', (trial, config) => core.reshape(trial.input('x'), listOf(config, 'shape'))],
  ['expand', (trial, config) => core.expand(trial.input('x'), listOf(config, 'shape'))],
  ['transpose', (trial, config) => core.transpose(trial.input('x'), config.number('dim0'), config.number('dim1'))],
  [
    'slice',
    (trial, config) =>
      core.slice(
        trial.input('x'),
        config.number('dim'),
        config.optionalNumber('start'),
        config.optionalNumber('end'),
        config.optionalNumber('step'),
      ),
  ],
  ['concat', (trial, config) => core.concat(allInputs(trial), config.number('dim', 0))],
  ['stack', (trial, config) => core.stack(allInputs(trial), config.number('dim', 0))],
  ['where', (trial) => core.where(trial.input('c'), trial.input('a'), trial.input('b'))],
  ['index_select', (trial, config) => core.indexSelect(trial.input('x'), config.number('dim'), trial.input('index'))],
  ['gather', (trial, config) => core.gather(trial.input('x'), config.number('dim'), trial.input('index'))],
  [
    'scatter_add',
    (trial, config) =>
      core.scatterAdd(trial.input('x'), config.number('dim'), trial.input('index'), trial.input('source')),
  ],
]);

/** Runs a case of the group `op`. */
export function runOperation(trial: Trial): void {
  const { config } = trial.file;
  const name = config.text('op');
  const operation = operations.get(name);
  if (operation === undefined) {
    throw new FormatError(`reference case: unknown op '${name}', expected one of ${[...operations.keys()].join(', ')}`);
  }
  trial.result('out', operation(trial, config));
  trial.backward();
}

function dimsOf(config: Config): readonly number[] | number | undefined {
  return config.has('dim') ? config.optionalNumber('dim') : config.numbers('dims');
}

function listOf(config: Config, key: string): readonly number[] {
  const list = config.numbers(key);
  if (list === undefined) throw new FormatError(`reference case: config lacks '${key}'`);
  return list;
}

/** Operands of an operation that takes any number: all inputs, in the order of their names. */
function allInputs(trial: Trial): Tensor[] {
  return trial.file.inputs().map((name) => trial.input(name));
}
