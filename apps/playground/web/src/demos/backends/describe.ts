/** What a backend says of itself, for people who never heard of SIMD or WebGPU. */
import type { BackendInfo } from '@rnn/core';
import { backends as texts } from '../../texts/en/backends.ts';

/** Names by which programs that imitate a graphics card call themselves. */
const imitations = /swiftshader|llvmpipe|software|warp|basic render/i;

/** What really runs, in sentences. */
export function describeBackend(name: string, info: BackendInfo): string[] {
  const isGraphics = info.simd === 'gpu';
  const sentences: string[] = [];
  if (isGraphics) {
    const card = info.device.replace(/ \((?:webgl2|webgpu)\)$/, '');
    sentences.push(imitations.test(card) ? texts.imitated(card) : texts.card(card));
    sentences.push(info.bound === undefined ? texts.asExact : texts.within(info.bound.tolerance));
    if (info.bound?.reason.includes('plain float32')) sentences.push(texts.plainSums);
    if (info.notes.some((note) => note.includes('flushes'))) sentences.push(texts.tinyNumbers);
    return sentences;
  }
  sentences.push(threadSentence(name, info));
  if (info.simd === 'none') sentences.push(texts.oneByOne);
  else sentences.push(texts.fourAtATime, info.simd === 'relaxed' ? texts.relaxed : texts.strict);
  if (info.notes.some((note) => /single operations/.test(note))) sentences.push(texts.notCompiled);
  return sentences;
}

function threadSentence(name: string, { threads, notes }: BackendInfo): string {
  if (name === 'cpu') return texts.oneThread;
  if (threads > 1) return texts.threads(threads);
  const why = notes.find((note) => note.startsWith('One thread'));
  if (why === undefined || /has 1 core/.test(why)) return texts.oneCore;
  if (/isolated/.test(why)) return texts.notIsolated;
  return texts.oneThreadBecause(why.replace(/^One thread computes because /, '').replace(/\.$/, ''));
}

/** Why a backend cannot run here and what to do, in sentences. */
export function describeAbsence(name: string, reason: string): string[] {
  const advice = texts.advice[name as keyof typeof texts.advice] ?? texts.adviceElse;
  // The package's own words come last: they help who knows them.
  return [advice, texts.reported(reason)];
}
