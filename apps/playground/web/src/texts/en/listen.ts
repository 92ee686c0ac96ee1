export const listenTexts = {
  lead: 'A voice detector that many web pages use, by way of ONNX: imported by @rnn/io, exported as one module, run in the audio thread. It says 31 times a second how likely somebody speaks. Nothing you say leaves this page.',
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
  curve: 'Probability of speech, the last 8 s',
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
      : `The sound comes at ${(rate / 1000).toLocaleString('en')} kHz and is resampled to 16 kHz.`,
  credit:
    'Model: Silero VAD, MIT licence. The example was made by a speech synthesiser: English, then German, noise between.',
  noWorklet: 'This browser has no AudioWorklet, which the detector runs in. A newer one does.',
  notSecure: 'The microphone needs a page that is served safely: open it by https, or from this machine.',
  noMicrophone: 'No microphone was found. Connect one, or open a sound file.',
  notAllowed: 'The microphone was not allowed. Allow it in the browser’s settings for this page, or open a sound file.',
  noSound: 'This is no sound that the browser can read. WAV, MP3 and Ogg are.',
  notLoaded: 'The example could not be loaded. Check the connection and try again.',
  noBackend: 'The detector is a module of its own, with its own WebAssembly, and runs in the audio thread.',
} as const;
