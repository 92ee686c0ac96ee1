import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, isGradEnabled, randn, setBackend, tensor, type Tensor } from '@rnn/core';
import { Dropout, Linear, mseLoss, Sequential } from '@rnn/nn';
import { beforeAll, describe, expect, test } from 'vitest';
import { Accuracy, DataLoader, evaluate, TensorDataset } from '../../src/index.js';

beforeAll(async () => {
  setBackend(await cpu());
});

const net = (): Sequential => new Sequential(new Linear(1, 2), new Dropout(0.5));

describe('evaluate', () => {
  test('gives means over all elements, whatever the sizes of the batches', async () => {
    const values = [1, 2, 3, 4, 10];
    const data = new DataLoader(new TensorDataset(values, Int32Array.of(1, 1, 0, 0, 1)), { batchSize: 2 });
    const found = await evaluate(net(), data, {
      loss: (_model, [x]) => x.mean(),
      metrics: (_model, [x, y]) => ({ each: x, share: y.eq(1) }),
    });
    expect(Object.keys(found)).toEqual(['loss', 'each', 'share']);
    expect(found.loss).toBe(4);
    expect(found.each).toBe(4);
    expect(found.share).toBe(0.6);
  });

  test('runs in evaluation mode without recording, and brings every part back into its mode', async () => {
    const model = net();
    model.children()[1].eval();
    const seen: unknown[] = [];
    await evaluate(model, [randn([3, 1])], {
      metrics: (m, x) => {
        const output = m.forward(x);
        seen.push(
          m.modules().map(({ training }) => training),
          output.requiresGrad,
          isGradEnabled(),
        );
        return { output };
      },
    });
    expect(seen).toEqual([[false, false, false], false, false]);
    expect(model.modules().map(({ training }) => training)).toEqual([true, true, false]);
  });

  test('leaves nothing behind, also when it fails', async () => {
    const own = await cpu();
    const model = new Sequential(new Linear(1, 1, { backend: own }));
    const data = new DataLoader(new TensorDataset(randn([7, 1], { backend: own })), { batchSize: 2 });
    const before = own.memory();
    await evaluate(model, data, { loss: (m, [x]) => mseLoss(m.forward(x), x) });
    expect(own.memory()).toEqual(before);
    let calls = 0;
    const failing = evaluate(model, data, {
      loss: (m, [x]) => {
        if (++calls === 3) throw new Error('no more');
        return m.forward(x);
      },
    });
    await expect(failing).rejects.toThrow('no more');
    expect(own.memory()).toEqual(before);
    expect(model.training).toBe(true);
  });

  test('metric objects are updated by the function that measures, which may give nothing itself', async () => {
    const data = new DataLoader(new TensorDataset([[1, 0], [0, 1], [1, 0]], Int32Array.of(0, 1, 1)), { batchSize: 2 }); // prettier-ignore
    const accuracy = new Accuracy();
    const found = await evaluate(net(), data, {
      metrics: (_model, [x, y]) => {
        accuracy.update(x, y);
        return {};
      },
    });
    expect(found).toEqual({});
    expect(accuracy.compute()).toBeCloseTo(2 / 3, 12);
    await expect(evaluate(net(), [], { metrics: () => ({}) })).rejects.toThrow('evaluate: the data gave no batch');
  });

  test('names what is wrong', async () => {
    const data = [tensor([1])];
    const wrong: [Promise<unknown>, string][] = [
      [evaluate(net(), data, {}), 'evaluate: loss is left out, and so are metrics, expected either or both'],
      [evaluate(net(), [], { loss: () => tensor(1) }), 'evaluate: the data gave no batch'],
      [
        evaluate(net(), data, { metrics: () => ({ accuracy: 1 as unknown as Tensor }) }),
        'evaluate: accuracy is 1, expected a Tensor (a mean, or one element an example)',
      ],
      [
        evaluate(net(), data, { loss: () => tensor(1), metrics: () => ({ loss: tensor(1) }) }),
        "evaluate: metrics is a function that gives a 'loss' beside the option loss, expected either",
      ],
    ];
    const inside = /; update metric objects inside of it, .* call f1.compute\(\) after evaluate/;
    for (const metrics of [
      new Accuracy(),
      { accuracy: new Accuracy() },
      [new Accuracy()],
      () => ({ a: new Accuracy() }),
    ])
      await expect(evaluate(net(), data, { metrics: metrics as never })).rejects.toThrow(inside);
    await expect(evaluate(net(), data, { metrics: {} as never })).rejects.toThrow(
      'evaluate: metrics is an object, expected a function (model, batch) => { name: Tensor }',
    );
    for (const [run, message] of wrong) {
      await expect(run).rejects.toThrow(ArgumentError);
      await expect(run).rejects.toThrow(message);
    }
  });
});
