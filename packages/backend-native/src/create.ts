import { availableParallelism, totalmem } from 'node:os';
import process from 'node:process';
import type { BackendInfo } from '@rnn/core';
import { NativeBackend } from './backend.js';
import { loadBinding } from './binding.js';
import { Channel } from './channel.js';
import { Memory } from './memory.js';
import { checkNativeOptions, type NativeOptions } from './options.js';

/** Threads without being asked. */
const MOST_CORES = 8;

/** Names of registers for people. */
const NAMES: Readonly<Record<string, string>> = {
  avx512: 'AVX-512',
  avx2: 'AVX2',
  neon: 'NEON',
  plain: 'the vectors that every processor of its kind has',
};

/**
 * Makes a backend.
 *
 * @param options - what the user wants
 * @param wanted - registers by name instead of the best ones, for tests
 */
export function createBackend(options: NativeOptions, wanted?: string): NativeBackend {
  checkNativeOptions(options);
  const { deterministic = false } = options;
  const cores = availableParallelism();
  const threads = options.threads ?? Math.min(cores, MOST_CORES);
  const limit = options.maxBytes ?? mostBytes();
  const known = loadBinding().registers.split(' ');
  const registers = known.indexOf(wanted ?? known[0]);
  const memory = new Memory(limit);
  const channel = new Channel({ threads, registers, strict: deterministic, limit }, (shortage) =>
    memory.refused(shortage),
  );
  memory.watch(channel);
  const name = NAMES[known[registers]];
  const why =
    options.threads === undefined ? `the machine has ${cores} core${cores === 1 ? '' : 's'}` : 'so many were asked for';
  const info: BackendInfo = {
    name: 'native',
    device: `${process.arch}, ${known[registers].toUpperCase()}${threads === 1 ? '' : `, ${threads} threads`}`,
    dtypes: ['float32', 'float64', 'int32'],
    threads,
    simd: deterministic || known[registers] === 'plain' ? 'strict' : 'relaxed',
    synchronous: true,
    notes: [
      `Of the processor's registers ${name} are used${deterministic ? ', without fused multiplication and addition, as deterministic asks for' : ''}.`,
      `${threads === 1 ? 'One thread computes' : `${threads} threads compute`} because ${why}.`,
      `The memory may grow to ${limit} bytes.`,
    ],
  };
  return new NativeBackend(info, memory, channel);
}

/** All that the process may have: of the machine's memory, or of its container's. */
function mostBytes(): number {
  const total = totalmem();
  const constrained = process.constrainedMemory?.() ?? 0;
  return constrained > 0 && constrained < total ? constrained : total;
}
