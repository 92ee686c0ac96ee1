/** What a backend says of itself, and two of them in one process. */
import { scope, tensor, type Backend, type BackendInfo, type Tensor } from '@rnn/core';
import { Linear } from '@rnn/nn';
import { defineCase, type ConformanceCase } from '../case.js';
import type { Checks } from '../checks.js';
import { onFresh } from '../kernels/storage.js';

/** The methods without which there is no backend. */
const methods = [
  ...(['upload', 'fill', 'read', 'readSync', 'release', 'memory', 'dispose'] as const),
  ...(['unary', 'binary', 'select', 'copy', 'concat', 'gather', 'scatterAdd', 'reduce', 'matmul'] as const),
] satisfies (keyof Backend)[];

/** A bound beyond this says nothing any more. */
const LOOSEST_BOUND = 1e-2;

/** Declarations and independence. */
export function backendCases(): ConformanceCase[] {
  return [
    defineCase('backend', 'has every required method', (checks, { backend }) => {
      for (const method of methods) checks.fact(`${method} is not a function`, typeof backend[method] === 'function');
    }),
    defineCase('backend', 'declares what it is', (checks, { backend }) => checkInfo(checks, backend.info)),
    defineCase('backend', 'every call of the factory makes another instance', (checks, { backend, create }) =>
      onFresh(create, async (other) => {
        checks.fact('the factory gave the same object twice', other !== backend);
        const { storages } = other.memory();
        checks.fact(`a new instance already counts ${storages} storages`, storages === 0);
      }),
    ),
    defineCase('backend', 'two instances work side by side', sideBySide),
    defineCase('backend', 'an instance survives that another is disposed of', async (checks, { create }) => {
      await onFresh(create, async (survivor) => {
        const x = tensor([1, 2, 3], { backend: survivor });
        await onFresh(create, async (other) => {
          await tensor([4, 5, 6], { backend: other }).mul(2).data();
        });
        checks.close('x * 2', await x.mul(2).data(), [2, 4, 6], [3], { tolerance: 1e-6 });
      });
    }),
    defineCase('backend', 'dispose frees everything', freesEverything),
    defineCase('backend', 'tensors and modules show their numbers, and nothing of the backend', showNumbers),
    defineCase('backend', 'a model moves to another instance and computes the same', async (checks, { create }) => {
      await onFresh(create, (first) => onFresh(create, (second) => movesOver(checks, first, second)));
    }),
  ];
}

function checkInfo(checks: Checks, info: BackendInfo): void {
  checks.fact('info.name is not a text', typeof info.name === 'string' && info.name !== '');
  checks.fact('info.device is not a text', typeof info.device === 'string' && info.device !== '');
  for (const dtype of ['float32', 'int32'] as const) {
    checks.fact(`info.dtypes lacks ${dtype}, which is required`, info.dtypes.includes(dtype));
  }
  checks.fact(
    `info.threads is ${info.threads}, expected 1 or more`,
    Number.isInteger(info.threads) && info.threads >= 1,
  );
  checks.fact(`info.simd is '${info.simd}'`, ['none', 'strict', 'relaxed', 'gpu'].includes(info.simd));
  checks.fact('info.synchronous is not true or false', typeof info.synchronous === 'boolean');
  checks.fact(
    'info.notes is not a list of texts',
    info.notes.every((note) => typeof note === 'string'),
  );
  const { largestInteger } = info;
  checks.fact(
    `info.largestInteger is ${largestInteger}, expected a whole number from 2^24 - 1, up to which float32 tells them apart, to below 2^31`,
    largestInteger === undefined ||
      (Number.isInteger(largestInteger) && largestInteger >= 2 ** 24 - 1 && largestInteger < 2 ** 31),
  );
  if (info.bound === undefined) return;
  const { tolerance, reason } = info.bound;
  checks.fact(
    `info.bound.tolerance is ${tolerance}, expected more than 0 and at most ${LOOSEST_BOUND}`,
    tolerance > 0 && tolerance <= LOOSEST_BOUND,
  );
  checks.fact('info.bound has no reason', typeof reason === 'string' && reason !== '');
}

async function sideBySide(checks: Checks, { create }: { readonly create: () => Promise<Backend> }): Promise<void> {
  await onFresh(create, (one) =>
    onFresh(create, async (two) => {
      // Work alternates between the two, so that whatever they shared by mistake would mix.
      const sums: Tensor[] = [one, two].map((backend) => tensor([0, 0, 0], { backend }));
      for (let i = 1; i <= 10; i++) {
        [one, two].forEach((backend, which) => {
          const next = sums[which].add(tensor([i, which, 1], { backend }));
          sums[which].dispose();
          sums[which] = next;
        });
      }
      checks.close('the first', await sums[0].data(), [55, 0, 10], [3], { tolerance: 1e-6 });
      checks.close('the second', await sums[1].data(), [55, 10, 10], [3], { tolerance: 1e-6 });
    }),
  );
}

/** What JSON, a structured clone, and whatever walks over properties (a printer) get. */
function showNumbers(checks: Checks, { backend }: { readonly backend: Backend }): void {
  const x = tensor([1.5, -2], { backend });
  const data = backend.info.synchronous ? '[1.5,-2]' : JSON.stringify(x.toJSON().data);
  const text = JSON.stringify(x);
  checks.fact(`a tensor as JSON is ${text}`, text === `{"shape":[2],"dtype":"float32","data":${data}}`);
  const clone = JSON.stringify(structuredClone(x));
  checks.fact(`a structured clone of a tensor is ${clone}`, clone === '{"shape":[2],"size":2}');
  const model = new Linear(2, 3, { backend });
  const { length } = scope(() => JSON.stringify(model.stateDict()));
  checks.fact(`a state dict of 9 numbers is ${length} characters of JSON`, length < 600);
  for (const [name, value] of [
    ['a tensor', x],
    ['a module', model],
  ] as const) {
    const seen = reachable(value);
    checks.fact(`the properties of ${name} lead to the backend`, !seen.has(backend));
    checks.fact(`the properties of ${name} lead to ${seen.size} objects`, seen.size < 50);
  }
  model.dispose();
  x.dispose();
}

/** All objects that enumerable properties lead to, those under symbols included. */
function reachable(from: object): Set<unknown> {
  const seen = new Set<unknown>([from]);
  for (const value of seen) {
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) continue;
    for (const key of Reflect.ownKeys(value)) {
      const property = Object.getOwnPropertyDescriptor(value, key);
      const next: unknown = property?.enumerable === true ? property.value : undefined;
      if (typeof next === 'object' && next !== null) seen.add(next);
    }
    if (seen.size > 1000) break;
  }
  return seen;
}

/**
 * After `dispose` nothing is left to be counted, and a late release, as by a finalizer, does no
 * harm.
 */
async function freesEverything(checks: Checks, { create }: { readonly create: () => Promise<Backend> }): Promise<void> {
  const backend = await create();
  const storage = backend.upload(Float32Array.of(1, 2, 3));
  await backend.read(storage);
  await backend.dispose();
  const use = whatAnswers(() => backend.memory());
  checks.fact(
    `after dispose memory() counts ${use?.storages} storages of ${use?.bytes} bytes, expected none or an error`,
    use === undefined || (use.storages === 0 && use.bytes === 0),
  );
  backend.release(storage);
}

/** What a call gives, or nothing if it throws. */
function whatAnswers<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}

async function movesOver(checks: Checks, first: Backend, second: Backend): Promise<void> {
  const model = new Linear(3, 2, { backend: first });
  const x = tensor([[1, -2, 3]], { backend: first });
  const before = await model.forward(x).data();
  await model.moveTo(second);
  const there = tensor([[1, -2, 3]], { backend: second });
  const after = await model.forward(there).data();
  checks.close('the output', after, before, [1, 2], { tolerance: 1e-6 });
}
