/**
 * For authors of packages (backends, layers, optimisers): the checks of arguments and the builder
 * of messages that @rnn uses itself, so that every package refuses alike. An application needs none
 * of it.
 */
export { checkBackend, checkSupported } from './backends.js';
export { checkIndex, isKnownIndex } from '../ops/indexing.js';
export { generatorOf } from '../random.js';
export { checkOptions, withDefaults } from './options.js';
export { isIterable, isPromise, refuse, describeValue, type Refusal, type RefusalClass } from './refusal.js';
export { checkFloating, checkPlace, checkSameBackend, checkShapeIs, checkTensor, checkTensors } from './tensors.js';
export {
  checkChoice,
  checkCount,
  checkFlag,
  checkFunction,
  checkList,
  checkNumber,
  checkText,
  type Interval,
} from './values.js';
