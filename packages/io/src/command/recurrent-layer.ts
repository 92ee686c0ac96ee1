/** A recurrent node of ONNX beside the layers of PyTorch, which have fewer settings. */
import type { NodeProto } from '../onnx/schema.generated.js';

const standard: Readonly<Record<string, readonly string[]>> = {
  RNN: ['tanh'],
  GRU: ['sigmoid', 'tanh'],
  LSTM: ['sigmoid', 'tanh', 'tanh'],
};

export interface RecurrentLayer {
  readonly activations: readonly string[];
  /** `forward`, `reverse` or `bidirectional`. */
  readonly direction: string;
  readonly isRelu: boolean;
  /** What no layer of PyTorch has; empty where one computes the same. */
  readonly reasons: readonly string[];
}

/** What a node asks for; for any other operator a reason says that it is none. */
export function recurrentLayer({ opType, domain, input, attribute }: NodeProto): RecurrentLayer {
  const attributes = new Map(attribute.map((each) => [each.name, each]));
  const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
  const activations = (attributes.get('activations')?.strings ?? []).map(text);
  const direction = text(attributes.get('direction')?.s) || 'forward';
  const isKnown = Object.hasOwn(standard, opType) && (domain === '' || domain === 'ai.onnx');
  const expected = isKnown ? standard[opType] : [];
  const names = activations.map((name) => name.toLowerCase());
  const isRelu = opType === 'RNN' && names.length > 0 && names.every((name) => name === 'relu');
  const isStandard = isRelu || names.every((name, i) => name === expected[i % expected.length]);
  const reasons = [
    ...(isKnown ? [] : [`operator ${opType}`]),
    ...((input[7] ?? '') === '' ? [] : ['peepholes']),
    ...((attributes.get('clip')?.f ?? 0) > 0 ? ['clip'] : []),
    ...(attributes.get('input_forget')?.i === 1n ? ['input_forget'] : []),
    ...(isStandard ? [] : [`activations ${activations.join(', ')}`]),
    ...(opType === 'GRU' && attributes.get('linear_before_reset')?.i !== 1n
      ? ['linear_before_reset=0 (there the reset gate multiplies the state, in PyTorch the product)']
      : []),
  ];
  return { activations, direction, isRelu, reasons };
}
