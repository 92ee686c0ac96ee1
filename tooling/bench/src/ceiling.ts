import { measure } from './measure.ts';

/** What one thread can do at most in 128-bit WebAssembly. */
export interface Ceiling {
  /** 10^9 floating point operations a second. */
  readonly gflops: number;
  /** Whether multiplication and addition are one instruction. */
  readonly isFused: boolean;
}

/**
 * As many independent chains as hide the latency of the instruction on the processors of today: 4
 * cycles, 2 a cycle.
 */
const CHAINS = 8;
const UNROLLED = 8;
const ROUNDS = 20_000;

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const V128 = 0x7b;
const LOOP = [0x03, 0x40];
const END = 0x0b;
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const SPLAT = [0xfd, 0x13];
const ADD = [0xfd, 0xe4, 0x01];
const MULTIPLY = [0xfd, 0xe6, 0x01];
const MULTIPLY_ADD = [0xfd, 0x85, 0x02];
const FIRST_LANE = [0xfd, 0x1f, 0];

/** An unsigned integer as the format writes it, seven bits a byte. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content];

/**
 * A module with one function, `run(rounds: i32, factor: f32): f32`: in each round every chain does
 * `chain = chain * factor + factor` several times, and nothing else happens; their sum is returned
 * so that no engine may leave them out.
 */
function moduleBytes(isFused: boolean): Uint8Array<ArrayBuffer> {
  const [rounds, factor, vector, first] = [0, 1, 2, 3];
  const chains = Array.from({ length: CHAINS }, (_, i) => first + i);
  const link = (chain: number): number[] =>
    isFused
      ? [...get(chain), ...get(vector), ...get(vector), ...MULTIPLY_ADD, ...set(chain)]
      : [...get(chain), ...get(vector), ...MULTIPLY, ...get(vector), ...ADD, ...set(chain)];
  const round = Array.from({ length: UNROLLED }, () => chains.flatMap(link)).flat();
  const start = [...get(factor), ...SPLAT, ...set(vector)];
  // Again while --rounds is not 0.
  const again = [...get(rounds), 0x41, 1, 0x6b, 0x22, rounds, 0x0d, 0, END];
  const sum = chains.flatMap((chain, i) => [...get(chain), ...(i > 0 ? ADD : [])]);
  const code = [...start, ...LOOP, ...round, ...again, ...sum, ...FIRST_LANE, END];
  const body = [1, ...unsigned(CHAINS + 1), V128, ...code];
  return Uint8Array.from([
    ...HEADER,
    ...section(1, [1, 0x60, 2, 0x7f, 0x7d, 1, 0x7d]),
    ...section(3, [1, 0]),
    ...section(7, [1, 3, 0x72, 0x75, 0x6e, 0, 0]), // export "run"
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

/**
 * Measures the ceiling; the best of many short runs, since whatever else runs on the machine only
 * lowers it.
 */
export async function measureCeiling(time: number): Promise<Ceiling> {
  const isFused = WebAssembly.validate(moduleBytes(true));
  const { instance } = await WebAssembly.instantiate(moduleBytes(isFused));
  const run = instance.exports.run as (rounds: number, factor: number) => number;
  const { minimum } = await measure(() => run(ROUNDS, 0.5), { time, warmup: time / 3 });
  const operations = ROUNDS * UNROLLED * CHAINS * 4 * 2;
  return { gflops: operations / minimum / 1e6, isFused };
}
