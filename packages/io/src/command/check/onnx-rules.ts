/** What ONNX, ONNX Runtime and PyTorch make of a model's nodes, told from the file alone. */
import type { OnnxModel } from '../../onnx/decode-model.js';
import { TensorProto_DataType, type GraphProto, type NodeProto } from '../../onnx/schema.generated.js';
import { recurrentLayer, type RecurrentLayer } from '../recurrent-layer.js';
import type { Findings } from './finding.js';

/** The newest that ONNX Runtime 1.32 loads. */
const NEWEST_IR = 14;
/** The newest set of operators that ONNX has released. */
const NEWEST_OPSET = 26;

/** Sets of operators that ONNX Runtime brings along. */
const domainsOfRuntime: ReadonlySet<string> = new Set([
  '',
  'ai.onnx',
  'ai.onnx.ml',
  'ai.onnx.training',
  'ai.onnx.preview.training',
  'com.microsoft',
  'com.microsoft.nchwc',
  'com.microsoft.experimental',
]);

const gatesOf: Readonly<Record<string, number>> = { RNN: 1, GRU: 3, LSTM: 4 };

const activationsOfRuntime: ReadonlySet<string> = new Set(
  'affine elu hardsigmoid leakyrelu relu scaledtanh sigmoid softplus softsign tanh thresholdedrelu'.split(' '),
);

/** Looks at the file as a whole, then at each node, inner graphs included. */
export function checkNodes(model: OnnxModel, findings: Findings): void {
  const ir = Number(model.irVersion);
  const opset = Number(model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0);
  if (ir > NEWEST_IR) findings.refuse('ONNX Runtime', undefined, `IR version ${ir}; it loads up to ${NEWEST_IR}`);
  if (opset < 7) findings.refuse('ONNX Runtime', undefined, `opset ${opset}; it runs 7 and later`);
  if (opset > NEWEST_OPSET) {
    findings.change('ONNX Runtime', undefined, `opset ${opset} is newer than any release of ONNX (${NEWEST_OPSET})`);
  }
  const own = new Set(model.functions.map(({ domain, name }) => `${domain}:${name}`));
  const imported = new Set(model.opsetImport.map(({ domain }) => (domain === 'ai.onnx' ? '' : domain)));
  checkGraph(model.graph, new Map(), (node, shapes) => {
    const where = titleOf(node);
    const domain = node.domain === 'ai.onnx' ? '' : node.domain;
    if (!imported.has(domain)) findings.refuse('ONNX', where, `its domain '${domain}' is not imported`);
    else if (!own.has(`${domain}:${node.opType}`) && !domainsOfRuntime.has(domain)) {
      findings.refuse('ONNX Runtime', where, `it has no operators of '${domain}' unless a library adds them`);
    }
    if (domain === '' && Object.hasOwn(gatesOf, node.opType)) checkRecurrent(node, where, shapes, findings);
  });
  for (const { name, type } of [...model.graph.input, ...model.graph.output]) {
    if (type?.value.case === undefined) findings.refuse('ONNX', name, 'its type is not given');
  }
}

/** Shapes and types of weights by name. */
type Weights = ReadonlyMap<string, { readonly shape: readonly number[]; readonly type: number }>;

function checkGraph(graph: GraphProto, outer: Weights, visit: (node: NodeProto, weights: Weights) => void): void {
  const weights = new Map(outer);
  for (const { name, dims, dataType } of graph.initializer) {
    weights.set(name, { shape: dims.map(Number), type: dataType });
  }
  for (const node of graph.node) {
    visit(node, weights);
    for (const { g } of node.attribute) if (g !== undefined) checkGraph(g, weights, visit);
  }
}

function checkRecurrent(node: NodeProto, where: string, weights: Weights, findings: Findings): void {
  const { opType } = node;
  const gates = gatesOf[opType];
  const attributes = new Map(node.attribute.map((attribute) => [attribute.name, attribute]));
  const [w, r] = [1, 2].map((position) => weights.get(node.input[position] ?? ''));
  const rows = r?.shape[1];
  const hidden = Number(attributes.get('hidden_size')?.i ?? 0) || (rows === undefined ? undefined : rows / gates);
  const states = [5, 6].map((position) => weights.get(node.input[position] ?? '')?.shape[2]);
  const widths = [r?.shape[2], ...states].filter((width) => width !== undefined);
  const all = hidden === undefined ? [] : [hidden, ...widths];
  const [narrow, wide] = [Math.min(...all), Math.max(...all)];
  if (narrow < wide) {
    const what = `a projection (h of ${narrow}, c of ${wide}), which ONNX's ${opType} does not have`;
    findings.refuse('ONNX', where, `${what}; the schema's checker lets it pass`);
    findings.refuse('ONNX Runtime', where, `${what}; writeOnnx writes such a layer as a Scan, which runs`);
    findings.keep(
      'PyTorch',
      where,
      `its newer exporter writes nn.LSTM(proj_size=${narrow}) so, though no runtime takes it`,
    );
    return;
  }
  if (attributes.get('layout')?.i === 1n) {
    findings.refuse('ONNX Runtime', where, 'layout=1 (batch first); transpose around the node instead');
  }
  if (w?.type === TensorProto_DataType.DOUBLE) {
    findings.refuse('ONNX Runtime', where, `${opType} of float64; write the model in float32`);
  } else if (w?.type === TensorProto_DataType.BFLOAT16) {
    findings.refuse('ONNX Runtime', where, `${opType} of bfloat16 on a processor; write the model in float32`);
  } else if (w?.type === TensorProto_DataType.FLOAT16) {
    findings.change('ONNX Runtime', where, `${opType} of float16 is computed in float32 on a processor`);
  }
  const layer = recurrentLayer(node);
  for (const activation of layer.activations) {
    if (!activationsOfRuntime.has(activation.toLowerCase())) {
      findings.refuse('ONNX Runtime', where, `the activation '${activation}'`);
    } else if (opType === 'RNN' && !/^[A-Z]/.test(activation)) {
      findings.refuse('ONNX Runtime', where, `the activation '${activation}' in small letters`);
    }
  }
  comparePyTorch(opType, layer, where, findings, w?.shape[2], hidden);
}

/** Which layer of PyTorch computes the same, if one does. */
function comparePyTorch(
  opType: string,
  { direction, isRelu, reasons }: RecurrentLayer,
  where: string,
  findings: Findings,
  width: number | undefined,
  hidden: number | undefined,
): void {
  if (reasons.length > 0) {
    findings.refuse(
      'PyTorch',
      where,
      `nn.${opType} has no ${reasons.join(', no ')}: the weights are for another layer`,
    );
    return;
  }
  const sizes = width === undefined || hidden === undefined ? '...' : `${width}, ${hidden}`;
  const settings = [
    sizes,
    ...(isRelu ? ["nonlinearity='relu'"] : []),
    ...(direction === 'bidirectional' ? ['bidirectional=True'] : []),
  ].join(', ');
  const order: Readonly<Record<string, string>> = { GRU: 'z, r, n to r, z, n', LSTM: 'i, o, f, c to i, f, g, o' };
  findings.keep('PyTorch', where, `computes what nn.${opType}(${settings}) does`);
  const changes = [
    ...(Object.hasOwn(order, opType) ? [`gates go from ${order[opType]}`] : []),
    ...(direction === 'reverse' ? ['nn layers do not run in reverse alone: turn the sequence around'] : []),
  ];
  if (changes.length > 0) {
    findings.change('PyTorch', where, `for its weights: ${changes.join('; ')} (rnn-io convert does it)`);
  }
}

/** A node's operator and name. */
export function titleOf({ opType, name, output }: NodeProto): string {
  return `${opType} '${name === '' ? (output.find((each) => each !== '') ?? '') : name}'`;
}
