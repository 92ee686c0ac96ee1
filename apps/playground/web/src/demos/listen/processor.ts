/** The detector in the audio thread: sound goes in, frames go out to the page. */
import { initialState, step } from 'virtual:voice-model';
import { Detector } from './detector.ts';

// What an AudioWorklet has around it; TypeScript's own types leave it out.
declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

class VoiceDetector extends AudioWorkletProcessor {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has no origin
  private readonly detector = new Detector({ initialState, step }, sampleRate, (frame) => this.port.postMessage(frame));

  /** Called for every 128 samples; a source that has ended gives none. */
  process([input]: readonly (readonly Float32Array[])[]): boolean {
    const samples = input?.[0];
    if (samples !== undefined) this.detector.push(samples);
    return true;
  }
}

registerProcessor('voice-detector', VoiceDetector);
