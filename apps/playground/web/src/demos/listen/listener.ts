import { listenTexts as texts } from '../../texts/en/listen.ts';
import { detectorRate, type HeardFrame } from './detector.ts';
// oxlint-disable-next-line import/default -- Vite gives the address of the built worklet
import processor from './processor.ts?worker&url';

/** Where sound comes from: the microphone, or a file. */
export type SoundSource = 'microphone' | Blob;

/** A sound that is being heard. */
export interface Listening {
  /** Samples a second that the audio thread gets. */
  readonly rate: number;
  stop(): void;
}

/** What is told about a sound while it is heard. */
export interface ListenerCallbacks {
  readonly onFrame: (frame: HeardFrame) => void;
  /** Called when a file has come to its end. */
  readonly onEnd: () => void;
}

/**
 * Hears a sound in an AudioWorklet. A file is played aloud as well, the microphone is not.
 *
 * @throws Error that says, for people, why nothing can be heard
 */
export async function listen(source: SoundSource, callbacks: ListenerCallbacks): Promise<Listening> {
  if (typeof AudioWorkletNode === 'undefined') throw new Error(texts.noWorklet);
  const stream = source === 'microphone' ? await microphone() : undefined;
  try {
    // Some browsers connect a microphone to a context of its own rate alone: the worklet resamples.
    return await heardAt(detectorRate, source, stream, callbacks).catch((error: unknown) => {
      if (stream === undefined) throw error;
      return heardAt(undefined, source, stream, callbacks);
    });
  } catch (error) {
    for (const track of stream?.getTracks() ?? []) track.stop();
    throw error;
  }
}

async function heardAt(
  sampleRate: number | undefined,
  source: SoundSource,
  stream: MediaStream | undefined,
  { onFrame, onEnd }: ListenerCallbacks,
): Promise<Listening> {
  const context = new AudioContext({ sampleRate });
  const stop = (): void => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    if (context.state !== 'closed') void context.close();
  };
  try {
    await context.audioWorklet.addModule(processor);
    const node = new AudioWorkletNode(context, 'voice-detector', { channelCount: 1, channelCountMode: 'explicit' });
    node.port.addEventListener('message', ({ data }: MessageEvent<HeardFrame>) => onFrame(data));
    node.port.start();
    // What is connected to nothing is not computed; the node itself is silent.
    node.connect(context.destination);
    if (stream === undefined) {
      const buffer = await decoded(context, source as Blob);
      const player = new AudioBufferSourceNode(context, { buffer });
      player.addEventListener('ended', onEnd);
      player.connect(node);
      player.connect(context.destination);
      await context.resume();
      player.start();
    } else {
      context.createMediaStreamSource(stream).connect(node);
      await context.resume();
    }
    return { rate: context.sampleRate, stop };
  } catch (error) {
    if (context.state !== 'closed') await context.close();
    throw error;
  }
}

async function microphone(): Promise<MediaStream> {
  // Missing where the page is not served safely.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) throw new Error(texts.notSecure);
  try {
    return await devices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false } });
  } catch (error) {
    const name = error instanceof DOMException ? error.name : '';
    const message =
      { NotFoundError: texts.noMicrophone, NotReadableError: texts.notReadable }[name] ?? texts.notAllowed;
    throw new Error(message, { cause: error });
  }
}

async function decoded(context: AudioContext, file: Blob): Promise<AudioBuffer> {
  try {
    return await context.decodeAudioData(await file.arrayBuffer());
  } catch (error) {
    throw new Error(texts.noSound, { cause: error });
  }
}
