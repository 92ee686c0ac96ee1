/** What happens where something cannot be compiled, and where the compiler itself fails. */
import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  compileFn,
  ones,
  scan,
  setBackend,
  setCompileMode,
  TraceError,
  type Backend,
  type CompileMode,
  type Tensor,
} from '../src/index.js';

let backend: Backend;
beforeEach(async () => {
  backend = await cpu();
  setBackend(backend);
});

const step = (x: Tensor, h: Tensor): readonly [Tensor, Tensor] => {
  const next = x.add(h).tanh();
  return [next, next];
};
const reading = (x: Tensor, h: Tensor): readonly [Tensor, Tensor] => [x, h.add(x.sum().item())];
const [xs, h0] = [(): Tensor => ones([2, 2, 3]), (): Tensor => ones([2, 3])];

/** The same backend with another `compile`. */
const compiling = (compile: Backend['compile']): Backend =>
  Object.create(backend, { compile: { value: compile } }) as Backend;

describe('a backend', () => {
  test('whose compile throws is heard of, by scan and by compiled functions', () => {
    setCompileMode('auto');
    setBackend(
      compiling(() => {
        throw new TypeError('the compiler is broken');
      }),
    );
    expect(() => scan(step, xs(), h0())).toThrow('the compiler is broken');
    expect(() => compileFn((x: Tensor) => x.tanh().mul(3))(h0())).toThrow('the compiler is broken');
  });

  test('that gives nothing back for a program has it run by primitives', () => {
    setBackend(compiling(() => undefined));
    const [found] = scan(step, xs(), h0());
    setBackend(backend);
    expect(found.toArray()).toEqual(scan(step, xs(), h0())[0].toArray());
  });
});

describe('a step that cannot be compiled', () => {
  test('is an error where that is required, with the reason and the cause', () => {
    const error = refusal(() => scan(reading, xs(), h0(), { compile: 'required' }));
    expect(error).toBeInstanceOf(TraceError);
    expect((error as TraceError).message).toMatch(
      /^scan: compile is 'required', but .* reads numbers .*; change the step, or/,
    );
    expect((error as TraceError).cause).toBeInstanceOf(TraceError);
    const fn = compileFn((x: Tensor) => x.mul(x.sum().item()), { compile: 'required' });
    expect(() => fn(h0())).toThrow(/cannot be compiled: the step reads numbers/);
  });

  test('shows its own error, if it is the step that is wrong', () => {
    const wrong = (): never => {
      throw new RangeError('mine');
    };
    for (const compile of ['required', 'auto', 'never'] as const)
      expect(() => scan(wrong, xs(), h0(), { compile })).toThrow(new RangeError('mine'));
  });

  test('runs by single operations otherwise', () => {
    setCompileMode('auto');
    expect(scan(reading, xs(), h0())[1].toArray()).toEqual(Array.from({ length: 2 }, () => [13, 13, 13]));
  });
});

test("with 'never' the step is called on numbers alone", () => {
  const names = new Set<string>();
  const looking = (x: Tensor, h: Tensor): readonly [Tensor, Tensor] => {
    names.add(x.backend.info.name);
    return step(x, h);
  };
  scan(looking, xs(), h0(), { compile: 'never' });
  expect([...names]).toEqual(['cpu']);
});

test('the mode of all calls is set and handed back', () => {
  expect(setCompileMode('never')).toBe('required');
  expect(setCompileMode('auto')).toBe('never');
  expect(() => setCompileMode('sometimes' as CompileMode)).toThrow(/setCompileMode: mode is 'sometimes'/);
  expect(() => scan(step, xs(), h0(), { compile: true as unknown as CompileMode })).toThrow(/scan: compile is true/);
  expect(() => compileFn((x: Tensor) => x, { compile: 'yes' as CompileMode })).toThrow(/compileFn: compile is 'yes'/);
});

function refusal(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  return undefined;
}
