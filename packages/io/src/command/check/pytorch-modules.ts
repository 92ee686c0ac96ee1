/** Which modules of PyTorch entries of a state dict belong to, told by their names and shapes. */
import type { Findings } from './finding.js';

/** Shapes of tensors by name. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** By the rows of a recurrent weight for each hidden unit. */
const kinds: Readonly<Record<number, string>> = { 1: 'RNN', 3: 'GRU', 4: 'LSTM' };

const MOST_NAMES = 6;

const layerEntry = /^(weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)_l(\d+)(_reverse)?$/;

/** Says for each group of entries what loads it. */
export function checkModules(shapes: Shapes, findings: Findings): void {
  for (const [path, entries] of grouped(shapes)) {
    const names = [...entries.keys()];
    const layer = new Map([...entries].filter(([name]) => layerEntry.test(name)));
    if (layer.size > 0) checkLayer(path, layer, findings);
    const others = new Map([...entries].filter(([name]) => !layerEntry.test(name)));
    if (names.includes('weight_ih') || names.includes('weight_hh')) checkCell(path, others, findings);
    else if (others.size > 0) checkOther(path, others, findings);
  }
}

/** Entries by the module that has them: what stands before the last dot. */
function grouped(shapes: Shapes): Map<string, Map<string, readonly number[]>> {
  const groups = new Map<string, Map<string, readonly number[]>>();
  for (const [name, shape] of shapes) {
    const dot = name.lastIndexOf('.');
    const path = name.slice(0, Math.max(dot, 0));
    let group = groups.get(path);
    if (group === undefined) groups.set(path, (group = new Map<string, readonly number[]>()));
    group.set(name.slice(dot + 1), shape);
  }
  return groups;
}

function checkLayer(path: string, entries: Shapes, findings: Findings): void {
  const where = path === '' ? 'the layer' : path;
  const hidden = entries.get('weight_hr_l0')?.[1] ?? entries.get('weight_hh_l0')?.[1];
  const recurrence = entries.get('weight_hh_l0');
  const input = entries.get('weight_ih_l0')?.[1];
  if (hidden === undefined || recurrence === undefined || input === undefined) {
    findings.refuse(
      'PyTorch',
      where,
      `it lacks ${recurrence === undefined ? 'weight_hh_l0' : 'weight_ih_l0'}, the twin of ${[...entries.keys()].join(', ')}`,
    );
    return;
  }
  const gates = recurrence[0] / hidden;
  if (!Object.hasOwn(kinds, gates)) {
    findings.refuse(
      'PyTorch',
      where,
      `weight_hh_l0 has ${recurrence[0]} rows, expected 1 (RNN), 3 (GRU) or 4 (LSTM) times its ${hidden} columns`,
    );
    return;
  }
  const name = kinds[gates];
  const levels = 1 + Math.max(...[...entries.keys()].map((entry) => Number(layerEntry.exec(entry)?.[2])));
  const hasReverse = [...entries.keys()].some((entry) => entry.endsWith('_reverse'));
  const hasBias = [...entries.keys()].some((entry) => entry.startsWith('bias'));
  const hasProjection = [...entries.keys()].some((entry) => entry.startsWith('weight_hr'));
  const width = hasProjection ? (entries.get('weight_hr_l0')?.[0] ?? hidden) : hidden;
  const expected = new Map<string, readonly number[]>();
  for (let level = 0; level < levels; level++) {
    for (const suffix of hasReverse ? [`_l${level}`, `_l${level}_reverse`] : [`_l${level}`]) {
      const rows = gates * hidden;
      expected.set(`weight_ih${suffix}`, [rows, level === 0 ? input : width * (hasReverse ? 2 : 1)]);
      expected.set(`weight_hh${suffix}`, [rows, width]);
      if (hasBias) {
        expected.set(`bias_ih${suffix}`, [rows]);
        expected.set(`bias_hh${suffix}`, [rows]);
      }
      if (hasProjection) expected.set(`weight_hr${suffix}`, [width, hidden]);
    }
  }
  const missing = [...expected.keys()].filter((entry) => !entries.has(entry));
  for (const entry of missing) findings.refuse('PyTorch', where, `its twin ${entry} is missing`);
  const isWrong = [...entries].filter(([entry, shape]) => !isSame(expected.get(entry), shape));
  for (const [entry, shape] of isWrong) {
    findings.refuse(
      'PyTorch',
      where,
      `${entry} is [${shape.join(', ')}], expected [${expected.get(entry)?.join(', ') ?? ''}]`,
    );
  }
  if (missing.length > 0 || isWrong.length > 0) return;
  const settings = [
    `${input}, ${hidden}`,
    ...(levels > 1 ? [`num_layers=${levels}`] : []),
    ...(hasBias ? [] : ['bias=False']),
    ...(hasReverse ? ['bidirectional=True'] : []),
    ...(hasProjection ? [`proj_size=${width}`] : []),
  ].join(', ');
  if (hasProjection && name !== 'LSTM') {
    findings.refuse('PyTorch', where, `it is ${article(name)} with a projection (weight_hr), which only nn.LSTM has`);
    return;
  }
  findings.keep('PyTorch', where, `loads as nn.${name}(${settings})`);
  if (hasProjection) {
    findings.change(
      'ONNX',
      where,
      "the LSTM operator has no projection: writeOnnx writes a Scan, PyTorch's newer exporter an LSTM that is none",
    );
    findings.refuse(
      'ONNX Runtime',
      where,
      "the projection, in a file of PyTorch's newer exporter; one of writeOnnx runs",
    );
  }
}

function checkCell(path: string, entries: Shapes, findings: Findings): void {
  const where = path === '' ? 'the cell' : path;
  const [input, recurrence] = [entries.get('weight_ih'), entries.get('weight_hh')];
  if (input === undefined || recurrence === undefined) {
    findings.refuse('PyTorch', where, `its twin ${input === undefined ? 'weight_ih' : 'weight_hh'} is missing`);
    return;
  }
  if (entries.has('bias_ih') !== entries.has('bias_hh')) {
    findings.refuse('PyTorch', where, `its twin ${entries.has('bias_ih') ? 'bias_hh' : 'bias_ih'} is missing`);
    return;
  }
  const [rows, hidden] = recurrence;
  const name = kinds[rows / hidden] as string | undefined;
  const known = ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'];
  const extra = [...entries.keys()].filter((entry) => !known.includes(entry));
  if (name === undefined || extra.length > 0 || input[0] !== rows) {
    const why = extra.length > 0 ? `has ${extra.join(', ')}` : `has ${rows} rows for ${hidden} hidden units`;
    findings.refuse('PyTorch', where, `no cell of torch.nn ${why}; it loads into a module of your own`);
    return;
  }
  const bias = entries.has('bias_ih') ? '' : ', bias=False';
  findings.keep('PyTorch', where, `loads as nn.${name}Cell(${input[1]}, ${hidden}${bias})`);
}

function checkOther(path: string, entries: Shapes, findings: Findings): void {
  const where = path === '' ? 'the module' : path;
  const weight = entries.get('weight');
  const hasBias = entries.has('bias');
  const size = weight?.length === 1 ? String(weight[0]) : undefined;
  const [rows, columns] = weight ?? [];
  if (entries.has('running_mean')) findings.keep('PyTorch', where, 'loads as a BatchNorm');
  else if (size !== undefined) findings.keep('PyTorch', where, `loads as nn.LayerNorm(${size}), or another norm`);
  else if (weight?.length === 2) {
    const linear = `nn.Linear(${columns}, ${rows}${hasBias ? '' : ', bias=False'})`;
    findings.keep('PyTorch', where, `loads as ${linear}${hasBias ? '' : ` or nn.Embedding(${rows}, ${columns})`}`);
  } else if (weight?.length === 3) findings.keep('PyTorch', where, 'loads as nn.Conv1d');
  else {
    const names = [...entries.keys()];
    const some = names.length > MOST_NAMES ? `${names.slice(0, MOST_NAMES).join(', ')}, ...` : names.join(', ');
    const what = `${some}: of no module of torch.nn; kept as it is, for a class of your own`;
    findings.keep('PyTorch', path === '' ? undefined : path, what);
  }
}

function isSame(a: readonly number[] | undefined, b: readonly number[]): boolean {
  return a?.length === b.length && a.every((size, i) => size === b[i]);
}

function article(name: string): string {
  return `an ${name}`.replace('an GRU', 'a GRU');
}
