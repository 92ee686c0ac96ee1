import { significant } from './writing.ts';

export const listenTexts = {
  lead: 'A voice detector that many web pages use. It says 31 times a second how likely somebody speaks, and you see its 128 memory cells at it. Nothing you say leaves this page.',
  example: 'Hear the example',
  microphone: 'Use the microphone',
  file: 'Open a sound file',
  stop: 'Stop',
  probability: 'likely that somebody speaks now',
  nobody: 'Nothing heard yet: start the example, use the microphone, or drop a sound file here.',
  summary: (spoken: number, all: number) => `Speech in ${spoken.toFixed(1)} of ${all.toFixed(1)} s.`,
  stretches: (speech: readonly { from: number; to: number }[]) =>
    speech.length === 0
      ? 'No speech yet.'
      : `Speech from ${speech.map(({ from, to }) => `${from.toFixed(2)} to ${to.toFixed(2)} s`).join(', ')}.`,
  curve: 'Probability of speech, 0 to 100 %, the last 8 s',
  cells: '128 cells, the last 8 s',
  h: 'output h',
  c: 'cell state c',
  show: 'Show',
  reading: (cell: number, second: number, value: number) =>
    `cell ${cell + 1} at ${second.toFixed(2)} s: ${value.toFixed(3)}`,
  hint: 'Each row is a cell. Orange is below 0, blue above. Watch which rows turn when a word begins, and which only when it ends.',
  rate: (rate: number) =>
    rate === 16_000
      ? 'The sound comes at 16 kHz.'
      : `The sound comes at ${significant(rate / 1000, 5)} kHz and is resampled to 16 kHz.`,
  credit:
    'Model: Silero VAD, MIT licence, read from its ONNX file by @rnn/io and written as one module. The example was made by a speech synthesiser: English, then German, noise between.',
  noWorklet: 'This browser has no AudioWorklet, which the detector runs in. A newer one does.',
  notSecure: 'The microphone needs a page that is served safely: open it by https, or from this machine.',
  noMicrophone: 'No microphone was found. Connect one, or open a sound file.',
  notAllowed: 'The microphone was not allowed. Allow it in the browser’s settings for this page, or open a sound file.',
  noSound: 'This is no sound that the browser can read. WAV, MP3 and Ogg are.',
  notLoaded: 'The example could not be loaded. Check the connection and try again.',
  notReadable: 'The microphone could not be opened; another program may be using it. Close that, or open a sound file.',
  noBackend: 'No backend to choose here: the detector is one module, with its own WebAssembly.',
  noSeed: 'Nothing is drawn by lot here.',
  noSpeech: (all: number) => `No speech was heard in these ${all.toFixed(1)} s.`,
  muted: 'No speech so far. If you speak and nothing moves, look whether the microphone is muted.',
  empty: 'When something is heard, 128 rows of colour move here.',
} as const;
