/**
 * The context of models that take a signal frame by frame: how much each frame repeats of the one
 * before. A graph does not say it: without its context such a model runs as well, and gives other
 * results. So a file declares it in its metadata, or it is a model that is known.
 */
import type { OnnxModel } from '../../onnx/decode-model.js';
import { AttributeProto_AttributeType as Kind, type GraphProto } from '../../onnx/schema.generated.js';
import { CONTEXT_KEY, jsonOf } from './contract.js';
import type { Findings } from './finding.js';

export interface FrameContext {
  readonly input: string;
  /** How many numbers at the beginning of a frame are the last ones of the frame before. */
  readonly size: number;
}

/** A model that is known by a weight of it. */
interface KnownModel {
  readonly name: string;
  readonly weight: RegExp;
  readonly input: string;
  readonly size: number;
  /** New numbers in a frame. */
  readonly fresh: number;
}

const known: readonly KnownModel[] = [
  {
    name: "Silero's voice detector (16 kHz)",
    weight: /(?<!model_8k\.)stft\.forward_basis_buffer$/,
    input: 'input',
    size: 64,
    fresh: 512,
  },
];

/** Says what a frame consists of. */
export function checkContext(model: OnnxModel, findings: Findings): FrameContext | undefined {
  const declared = declaredContext(model, findings);
  const weights = weightNames(model.graph);
  const found = known.find(({ weight }) => weights.some((name) => weight.test(name)));
  const type = model.graph.input.find(({ name }) => name === found?.input)?.type?.value;
  if (found === undefined || type?.case !== 'tensorType') {
    if (declared !== undefined) findings.keep('state', declared.input, described(declared));
    return declared;
  }
  const { name, input, size, fresh } = found;
  const last = type.value.shape?.dim.at(-1)?.value;
  const width = last?.case === 'dimValue' ? Number(last.value) : 0;
  const frame = `it is ${name}: a frame is ${size + fresh} numbers, the last ${size} of the frame before (zeros before the first), then ${fresh} new ones`;
  if (declared !== undefined && declared.size !== size) {
    findings.wrong('state', input, `a wrong context: the file says ${declared.size}, but ${frame}`);
  } else if (width > 0 && width !== size + fresh) {
    findings.wrong('state', input, `a wrong context: the input takes ${width}, but ${frame}`);
  } else if (width > 0) findings.keep('state', input, `a context of ${size}: ${frame}`);
  else {
    findings.change(
      'state',
      input,
      `a context of ${size}: ${frame}; frames of any width run, and ${fresh} alone give other probabilities`,
    );
  }
  return { input, size };
}

function declaredContext(model: OnnxModel, findings: Findings): FrameContext | undefined {
  if (!model.metadataProps.some(({ key }) => key === CONTEXT_KEY)) return undefined;
  const { input, size } = (jsonOf(model, CONTEXT_KEY) ?? {}) as { readonly input?: unknown; readonly size?: unknown };
  const isInput = model.graph.input.some(({ name }) => name === input);
  if (isInput && Number.isSafeInteger(size) && Number(size) >= 0) return { input: String(input), size: Number(size) };
  findings.wrong('state', undefined, `the metadata '${CONTEXT_KEY}' is not { input, size } of one of the inputs`);
  return undefined;
}

function described({ size }: FrameContext): string {
  return `a context of ${size}: a frame begins with the last ${size} numbers of the frame before, with zeros the first`;
}

/** Names of weights in a graph and in the graphs inside it, whether initializers or constants. */
function weightNames({ initializer, node }: GraphProto): string[] {
  const inner = node.flatMap(({ attribute }) =>
    attribute.flatMap(({ type, g }) => (type === Kind.GRAPH && g !== undefined ? weightNames(g) : [])),
  );
  const constants = node.filter(({ opType }) => opType === 'Constant').flatMap(({ output }) => output);
  return [...initializer.map(({ name }) => name), ...constants, ...inner];
}
