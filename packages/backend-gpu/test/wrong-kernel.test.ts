/** The suite sees a kernel that is wrong, and points at it. */
import { primitiveCases, referenceCases, runConformance } from '@rnn/conformance';
import { caseDirectory } from '@rnn/conformance/node';
import { expect, test } from 'vitest';
import { DeviceBackend } from '../src/backend.js';
import { Device, type DeviceKernel } from '../src/device.js';
import { startEngine } from '../src/engine.js';
import { gpu } from '../src/index.js';

/** Changes the text of a kernel, or leaves it as it is. */
type Change = (key: string, body: string) => string;

/** A backend whose kernels are changed. */
async function changedBackend(change: Change, onLaunch: () => unknown): Promise<DeviceBackend> {
  const { info } = await gpu({ mode: 'cpu' });
  const device = await Device.start(await startEngine('cpu'));
  const wrong = new Set<DeviceKernel>();
  const kernel: Device['kernel'] = (key, source) => {
    let isWrong = false;
    const made = device.kernel(key, () => {
      const right = source();
      const body = change(key, right.body);
      isWrong = body !== right.body;
      return { ...right, body };
    });
    if (isWrong) wrong.add(made);
    return made;
  };
  const run: Device['run'] = (each, ...rest) => {
    if (wrong.has(each)) onLaunch();
    return device.run(each, ...rest);
  };
  return new DeviceBackend(info, Object.assign(Object.create(device) as Device, { kernel, run }));
}

/** Something wrong, and what the suite has to make of it. */
interface Wrong {
  readonly change: Change;
  /** What the cases that turn red are called. */
  readonly names: RegExp;
  /** Cases that launch the kernel and cannot see it. */
  readonly blind?: RegExp;
}

const networks = /rnn|lstm|gru|mgu|a cell|gallery|attention/i;

const wrongs: Readonly<Record<string, Wrong>> = {
  // in every kernel that has it, compiled ones too
  tanh: {
    change: (_, body) => body.replaceAll('(-0.33333333 + ', '(-3.0 + ').replaceAll('= 1.0 - 2.0 /', '= 1.5 - 2.0 /'),
    names: new RegExp(`tanh|${networks.source}`, 'i'),
    // both ways have the same tanh
    blind: /compiled as (eager|by primitives)/,
  },
  'reduce max': {
    change: (key, body) => (key === 'reduce max' ? 'return nan;' : body),
    names: /max|reduce float32|clip_norm_inf|a cell of one’s own/i,
    // the derivative asks where the maximum is, not how large
    blind: /^gradient: max /,
  },
  scatterAdd: {
    change: (key, body) => (key.startsWith('scatterAdd') ? body.replace(/return (\w+);/, 'return 7.0 + $1;') : body),
    names:
      /scatterAdd|gather|index_?select|unfold|gradient: (max|min|sort|topk)|embedding|loss_(cross_entropy|ctc|nll)/i,
    // its derivative is a gather
    blind: /^gradient: scatterAdd /,
  },
  matmul: {
    change: (key, body) => (key.startsWith('matmul') ? `if (this.thread.x === 0) { return 7.0; } ${body}` : body),
    names: new RegExp(`matmul|linear|conv1d|${networks.source}`, 'i'),
  },
};

/** Cases that look at storages, or compare a backend with itself. */
const blindAnyway =
  /^memory: |makes one storage|outlives its operands|moves to another instance|padding changes no bit|as a loop by hand/;

/** Cases that may be about anything, and may compute what nothing depends on. */
const random = /random (programs|steps)/;

const cases = [...primitiveCases(), ...referenceCases(caseDirectory())];

test.each(Object.keys(wrongs))(
  'a wrong %s turns exactly the cases red that launch it',
  { timeout: 120_000 },
  async (wrong) => {
    const { change, names, blind } = wrongs[wrong];
    let isLaunched = false;
    const own: string[] = [];
    const red: string[] = [];
    await runConformance({
      factory: () => changedBackend(change, () => (isLaunched = true)),
      cases,
      runs: 2,
      onProgress: ({ result: { group, name, status } }) => {
        const title = `${group}: ${name}`;
        if (isLaunched && !blindAnyway.test(title) && blind?.test(title) !== true) own.push(title);
        if (status === 'failed') red.push(title);
        isLaunched = false;
      },
    });
    const definite = (titles: readonly string[]): string[] => titles.filter((title) => !random.test(title));
    expect(definite(red)).toEqual(definite(own));
    expect(definite(red).filter((title) => !names.test(title))).toEqual([]);
    expect(red.length).toBeGreaterThan(10);
  },
);
