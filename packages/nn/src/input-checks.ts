import {
  ArgumentError,
  BackendError,
  DTypeError,
  sameShape,
  ShapeError,
  showShape,
  Tensor,
  type Shape,
} from '@rnn/core';

/** Refuses an argument that is not a tensor, for callers who write plain JavaScript. */
export function checkTensor(owner: string, argument: string, value: unknown): asserts value is Tensor {
  if (value instanceof Tensor) return;
  const received = Array.isArray(value) ? 'an array' : value === null ? 'null' : typeof value;
  throw new ArgumentError(`${owner}: ${argument} is ${received}, expected a Tensor; make one with tensor(...)`, {
    argument,
    expected: 'a Tensor',
    received,
  });
}

/** The size of a last dimension and where it was laid down. */
export interface FeatureRule {
  /** Number of features that the module was made for. */
  readonly size: number;
  /** The constructor's argument that says so. */
  readonly name: string;
  /** The form of the whole input, for the message. */
  readonly form: string;
}

/** Refuses an input whose last dimension is not the one that a module was made for. */
export function checkFeatures(owner: string, input: Tensor, { size, name, form }: FeatureRule): void {
  const features = input.shape[input.rank - 1];
  if (features === size) return;
  throw new ShapeError(
    `${owner}: input has ${features === undefined ? 'no' : features} features but ${name} is ${size} (input shape ${showShape(input.shape)}, expected ${form})`,
    { argument: 'input', expected: form, received: showShape(input.shape) },
  );
}

/** Refuses a rank other than the two that a recurrent module takes. */
export function checkRank(owner: string, input: Tensor, ranks: readonly number[], form: string): void {
  if (ranks.includes(input.rank)) return;
  throw new ShapeError(
    `${owner}: input has ${input.rank} dimensions (input shape ${showShape(input.shape)}), expected ${form}`,
    { argument: 'input', expected: form, received: showShape(input.shape) },
  );
}

/** Refuses an input without elements. */
export function checkNotEmpty(owner: string, input: Tensor, form: string): void {
  if (input.size > 0) return;
  throw new ShapeError(
    `${owner}: input is empty (input shape ${showShape(input.shape)}), expected ${form} with every size at least 1`,
    { argument: 'input', expected: form, received: showShape(input.shape) },
  );
}

/** Refuses a shape that is not the one that the others ask for; `meaning` says what its sizes stand for. */
export function checkShapeIs(owner: string, argument: string, tensor: Tensor, shape: Shape, meaning: string): void {
  if (sameShape(tensor.shape, shape)) return;
  throw new ShapeError(
    `${owner}: ${argument} has shape ${showShape(tensor.shape)}, expected ${showShape(shape)} (${meaning})`,
    { argument, expected: showShape(shape), received: showShape(tensor.shape) },
  );
}

/**
 * Refuses a tensor of another type or on another backend than the one that it is to meet.
 *
 * @param owner - for the message
 * @param argument - the tensor's name
 * @param tensor - what came
 * @param other - what it is to meet
 * @param otherName - its name, 'the input' unless said otherwise
 */
export function checkPlace(
  owner: string,
  argument: string,
  tensor: Tensor,
  other: Tensor,
  otherName = 'the input',
): void {
  if (tensor.dtype !== other.dtype) {
    const what = argument === 'input' ? 'the input' : argument;
    throw new DTypeError(
      `${owner}: ${argument} is ${tensor.dtype} but ${otherName} ${otherName.endsWith('s') ? 'are' : 'is'} ${other.dtype}; convert ${what} with .to('${other.dtype}')`,
      { code: 'ERR_MIXED_DTYPES', argument, expected: other.dtype, received: tensor.dtype },
    );
  }
  if (tensor.backend === other.backend) return;
  const [here, there] = [tensor.backend.info.name, other.backend.info.name];
  const places =
    here === there ? `on another '${here}' backend than ${otherName}` : `on '${here}' and ${otherName} on '${there}'`;
  throw new BackendError(`${owner}: ${argument} is ${places}; move one of them with .to(backend)`, {
    code: 'ERR_MIXED_BACKENDS',
    argument,
    expected: there,
    received: here,
  });
}
