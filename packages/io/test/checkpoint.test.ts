import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { cpu } from '@rnn/backend-cpu';
import { FormatError, Generator, getBackend, scope, setBackend, StateDictError, tensor, zeros } from '@rnn/core';
import { readCheckpoint, readSafetensors, writeCheckpoint } from '@rnn/io';
import { FileError, load, loadCheckpoint, openSafetensors, save, saveCheckpoint } from '@rnn/io/node';
import { Linear, LSTM } from '@rnn/nn';
import { Adam, ReduceLROnPlateau } from '@rnn/train';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { writeAtomically } from '../src/files/atomic-write.js';
import { withFile } from '../src/files/file-error.js';
import { bytesOf } from './files.js';
import { startProgram } from '../../../tooling/started-program.js';

setBackend(await cpu());
const folder = mkdtempSync(join(tmpdir(), 'rnn-io-'));
afterAll(() => rmSync(folder, { recursive: true }));
const fresh = (): string => mkdtempSync(join(folder, 'case-'));

function training(): { model: LSTM; optimizer: Adam; schedule: ReduceLROnPlateau; random: Generator } {
  const model = new LSTM(2, 3);
  const optimizer = new Adam(model.parameters(), { lr: 0.1 });
  return { model, optimizer, schedule: new ReduceLROnPlateau(optimizer, { patience: 1 }), random: new Generator(5) };
}

function step({ model, optimizer, schedule, random }: ReturnType<typeof training>): void {
  scope(() => {
    const x = new Float32Array(8);
    random.normal(x, 0, 1);
    optimizer.zeroGrad();
    const loss = model
      .forward(tensor(x).reshape([4, 1, 2]))[0]
      .square()
      .sum();
    loss.backward();
    optimizer.step();
    schedule.step(loss.item());
  });
}

describe('checkpoints', () => {
  test('a training that stops goes on as if it had not', async () => {
    const unbroken = training();
    for (let i = 0; i < 3; i++) step(unbroken);
    const bytes = await writeCheckpoint({ ...unbroken, epoch: 3 });
    for (let i = 0; i < 5; i++) step(unbroken);
    const resumed = training();
    expect(readCheckpoint(bytes, { ...resumed })).toEqual({ epoch: 3 });
    for (let i = 0; i < 5; i++) step(resumed);
    expect(resumed.model.stateDict()).toEqual(unbroken.model.stateDict());
    expect(resumed.optimizer.stateDict()).toEqual(unbroken.optimizer.stateDict());
    expect(resumed.schedule.stateDict()).toEqual(unbroken.schedule.stateDict());
    expect(resumed.random.state()).toEqual(unbroken.random.state());
  });

  test('every plain value comes back as it was', async () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.double(),
        fc.string({ unit: 'grapheme' }),
        fc.boolean(),
        fc.constant(null),
        fc.constant(undefined),
        fc.bigInt(),
        fc.float32Array({ maxLength: 4 }),
        fc.int32Array({ maxLength: 4 }),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('$', '__proto__', '__metadata__', 'a.b')), tie('value'), {
          maxKeys: 4,
        }),
        fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 3 }).map((pairs) => new Map(pairs)),
        fc.array(fc.integer(), { maxLength: 3 }).map((items) => new Set(items)),
      ),
    })).value;
    await fc.assert(
      fc.asyncProperty(value, async (given) => {
        const { x } = readCheckpoint(await writeCheckpoint({ x: given }));
        expect(new Map([['x', x]])).toEqual(new Map([['x', given]]));
      }),
    );
  });

  test('tensors among plain values come back as tensors', async () => {
    const carried = [zeros([1, 1, 3]), tensor([1, 2], { dtype: 'int32' })];
    expect(readCheckpoint(await writeCheckpoint({ carried }))).toEqual({ carried });
  });

  test('the model in it is read by whoever reads safetensors', async () => {
    const { model } = training();
    const { tensors } = readSafetensors(await writeCheckpoint({ model }));
    expect(tensors['model.weight_hh_l0']).toEqual(model.stateDict().weight_hh_l0);
  });

  test('it is the state at the call, even in a scope that ends and a training that goes on; nothing stays in memory', async () => {
    const run = training();
    step(run);
    const expected = await writeCheckpoint(run);
    const { bytes } = getBackend().memory();
    const written = scope(() => ({ promise: writeCheckpoint(run) })).promise;
    step(run);
    expect(await written).toEqual(expected);
    expect(getBackend().memory().bytes).toBe(bytes);
  });

  test('all parts are loaded, or none', async () => {
    const bytes = await writeCheckpoint({
      ...training(),
      optimizer: new Adam(new Linear(1, 1).parameters()).stateDict(),
    });
    const run = training();
    const before = run.model.stateDict();
    expect(() => readCheckpoint(bytes, { ...run })).toThrow(StateDictError);
    expect(run.model.stateDict()).toEqual(before);
    expect(() => readCheckpoint(bytes, { scaler: run.model })).toThrow(/no 'scaler', expected one of model, optimizer/);
  });

  test('what cannot be kept is refused by its path', async () => {
    await expect(writeCheckpoint({ a: { b: [new Date()] } })).rejects.toThrow(
      /'a\.b\.0' is a Date, expected a plain value/,
    );
    const circle: unknown[] = [];
    circle.push(circle);
    await expect(writeCheckpoint({ circle })).rejects.toThrow(/levels deep/);
  });

  test('other files are refused', () => {
    expect(() => readCheckpoint(bytesOf('tied.safetensors'))).toThrow(FormatError);
    expect(() => readCheckpoint(bytesOf('tied.safetensors'))).toThrow(/no checkpoint/);
  });
});

describe('files', () => {
  test('save and load a model', async () => {
    const path = join(fresh(), 'model.safetensors');
    const model = new LSTM(2, 3);
    await save(path, model, { metadata: { a: 'b' } });
    expect(await load(path)).toEqual({ tensors: model.stateDict(), metadata: { a: 'b' } });
    const file = await openSafetensors(path);
    expect((await file.tensor('bias_hh_l0')).shape).toEqual([12]);
    await file.close();
  });

  test('load reads files of PyTorch', async () => {
    const { tensors } = await load(join(import.meta.dirname, 'exchange/gru.pt'));
    expect(tensors).toEqual(readSafetensors(bytesOf('exchange/gru.safetensors')).tensors);
    await expect(load(join(import.meta.dirname, 'files/checkpoint.pt'))).rejects.toThrow(/'epoch' is no tensor/);
  });

  test('the last N checkpoints stay', async () => {
    const path = join(fresh(), 'run.safetensors');
    for (let epoch = 1; epoch <= 4; epoch++) await saveCheckpoint(path, { epoch }, { keep: 2 });
    expect(await loadCheckpoint(path)).toEqual({ epoch: 4 });
    expect(await loadCheckpoint(path.replace('run.', 'run.1.'))).toEqual({ epoch: 3 });
    expect(await loadCheckpoint(path.replace('run.', 'run.2.'))).toEqual({ epoch: 2 });
    expect(readdirSync(join(path, '..')).sort()).toEqual(['run.1.safetensors', 'run.2.safetensors', 'run.safetensors']);
  });

  test('a full disk leaves the good file, and no other', async () => {
    const path = join(fresh(), 'run.safetensors');
    await saveCheckpoint(path, { epoch: 1 });
    const before = readFileSync(path);
    async function* full(): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(1, 2, 3);
      await Promise.reject(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' }));
    }
    const written = withFile('saveCheckpoint', path, 'written', () => writeAtomically(path, full(), 1));
    await expect(written).rejects.toThrow(
      `saveCheckpoint: '${path}' cannot be written: the disk is full; what was there before is as it was`,
    );
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(join(path, '..'))).toEqual(['run.safetensors']);
  });

  test('a file that grows beyond what the system allows leaves the good file, and no other', async () => {
    const path = join(fresh(), 'run.safetensors');
    await saveCheckpoint(path, { epoch: 1 });
    const source = `
      import { cpu } from '@rnn/backend-cpu';
      import { setBackend } from '@rnn/core';
      import { saveCheckpoint } from '@rnn/io/node';
      setBackend(await cpu());
      await saveCheckpoint(process.argv[1], { data: new Float32Array(1 << 20) }).catch((error) => console.log(error.message));`;
    const command = 'ulimit -f 1000; exec "$0" --input-type=module --eval "$1" "$2"';
    const said = execFileSync('sh', ['-c', command, process.execPath, source, path], { cwd: import.meta.dirname });
    expect(said.toString()).toContain('it would be larger than the system allows');
    expect(await loadCheckpoint(path)).toEqual({ epoch: 1 });
    expect(readdirSync(join(path, '..'))).toEqual(['run.safetensors']);
  });

  test('what the system refuses is told by operation, path and remedy', async () => {
    const folder = fresh();
    const [model, none, inside] = [new Linear(1, 1), join(folder, 'none'), join(folder, 'none/x.safetensors')];
    const file = join(folder, 'file.safetensors');
    await save(file, model);
    const cases: [() => Promise<unknown>, string][] = [
      [() => save(folder, model), `save: '${folder}' cannot be written: it is a folder, expected a file`],
      [() => saveCheckpoint(folder, { model }, { keep: 2 }), 'it is a folder, expected a file'],
      [() => save(inside, model), `save: '${inside}' cannot be written: its folder is not there; make it first`],
      [() => save(join(file, 'x'), model), 'a part of the path is a file, expected a folder'],
      [() => load(none), `load: '${none}' cannot be read: there is no such file`],
      [() => load(folder), `load: '${folder}' cannot be read: it is a folder, expected a file`],
      [() => openSafetensors(none), `openSafetensors: '${none}' cannot be read: there is no such file`],
      [() => loadCheckpoint(none), `loadCheckpoint: '${none}' cannot be read: there is no such file`],
    ];
    for (const [run, message] of cases) {
      const error: unknown = await run().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(FileError);
      expect(error).toMatchObject({ code: 'ERR_FILE', message: expect.stringContaining(message) as string });
      expect((error as FileError).cause).toHaveProperty('syscall');
    }
    expect(readdirSync(folder)).toEqual(['file.safetensors']);
  });

  test('arguments that cannot be meant are refused', async () => {
    const [folder, model] = [fresh(), new Linear(1, 1)];
    const file = join(folder, 'file.safetensors');
    const junk = (value: unknown): never => value as never;
    const cases: [() => Promise<unknown>, string | RegExp][] = [
      [() => save(junk(3), model), /^save: path is 3, expected a path/],
      [() => save('', model), /^save: path is '', expected a path/],
      [() => save(join(folder, 'a\0b'), model), /^save: path is .* expected a path/],
      [() => save(join(folder, 'm.pt'), model), /that of a file of PyTorch; `rnn-io convert` makes one/],
      [() => saveCheckpoint(join(folder, 'm.onnx'), { model }), /that of an ONNX model; writeOnnx makes one/],
      [() => save(file, junk(undefined)), /^save: tensors is undefined, expected/],
      [() => save(file, model, junk({ dtyp: 'float16' })), /^save: option 'dtyp' is unknown.*; write dtype/],
      [() => save(file, model, { dtype: junk('float8') }), /^save: dtype is 'float8', expected 'float16' or/],
      [
        () => saveCheckpoint(file, { model }, junk({ kep: 2 })),
        /^saveCheckpoint: option 'kep' is unknown.*; write keep/,
      ],
      [() => load(file, junk({ backnd: 1 })), /^load: option 'backnd' is unknown.*; write backend/],
      [() => load(file, { dtype: junk('float16') }), /^load: dtype is 'float16', expected 'float32' or 'float64'/],
      [() => loadCheckpoint(file, {}, junk({ dtype: 'float32' })), /^loadCheckpoint: option 'dtype' is unknown/],
      [() => openSafetensors(junk(undefined)), /^openSafetensors: path is undefined/],
    ];
    for (const [run, message] of cases) await expect(run()).rejects.toThrow(message);
    expect(readdirSync(folder)).toEqual([]);
    await save(pathToFileURL(file), model);
    expect((await load(pathToFileURL(file))).tensors).toEqual(model.stateDict());
  });

  test('of many that write at once one wins, whole', async () => {
    const path = join(fresh(), 'run.safetensors');
    await Promise.all(
      Array.from({ length: 8 }, (_, i) => saveCheckpoint(path, { i, data: new Float32Array(1000).fill(i) })),
    );
    const { i, data } = await loadCheckpoint(path);
    expect([...(data as Float32Array)]).toEqual(Array(1000).fill(i));
    expect(readdirSync(join(path, '..'))).toEqual(['run.safetensors']);
  });

  test('a program that cannot start is an error, not a wait', async () => {
    const program = startProgram(import.meta.dirname, `import '@rnn/none'; console.log('first');`);
    await expect(program.output()).rejects.toThrow(/the program ended with 1:\n[^]*@rnn\/none/);
  });

  test('a process that is killed while it writes leaves a whole file; the next one removes its draft', async () => {
    const path = join(fresh(), 'run.safetensors');
    const source = `
      import { cpu } from '@rnn/backend-cpu';
      import { setBackend } from '@rnn/core';
      import { saveCheckpoint } from '@rnn/io/node';
      setBackend(await cpu());
      for (let i = 1; ; i++) {
        await saveCheckpoint(process.argv[1], { i, data: new Float32Array(1 << 20).fill(i) });
        if (i === 1) console.log('first');
      }`;
    for (let round = 0; round < 6; round++) {
      const program = startProgram(import.meta.dirname, source, path);
      await program.output();
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
      await program.kill();
      const { i, data } = await loadCheckpoint(path);
      expect(new Set(data as Float32Array)).toEqual(new Set([i]));
    }
    await saveCheckpoint(path, { i: 0 });
    expect(readdirSync(join(path, '..'))).toEqual(['run.safetensors']);
  });
});
