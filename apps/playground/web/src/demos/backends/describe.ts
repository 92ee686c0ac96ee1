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
    const card = cardName(info.device.replace(/ \((?:webgl2|webgpu)\)$/, ''));
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

/**
 * What a card is called in a shop: `ANGLE (NVIDIA, NVIDIA GeForce RTX 3080 (0x2206) Direct3D11
 * vs_5_0 ps_5_0, D3D11)`, as WebGL says it, is an `NVIDIA GeForce RTX 3080`.
 */
export function cardName(device: string): string {
  const [, made = device] = /^ANGLE \([^,]+, (.+), [^,]*\)$/.exec(device) ?? [];
  return made
    .replace(/^ANGLE Metal Renderer: /, '')
    .replace(/^(?:Vulkan|OpenGL ES|OpenGL)[\d. ]* \((.+)\)$/, '$1')
    .replace(/(?: \([^()]*\))* ?(?:\(0x[\da-f]+\)).*$/i, '')
    .replace(/ (?:Direct3D|OpenGL|Vulkan|vs_).*$/, '')
    .trim();
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
