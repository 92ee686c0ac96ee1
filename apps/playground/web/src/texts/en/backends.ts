import { whole } from './writing.ts';

/** What the demo of backends says. */
export const backends = {
  what:
    'The same training runs on four kinds of hardware and software. Below, each trains the same small LSTM from the ' +
    'same seed, and you see how many training steps it does in a second.',
  race: 'The race',
  inTurn: (seconds: number) =>
    `They run one after the other, ${seconds} seconds each: side by side they would take the processor's cores from one another.`,
  units: 'Units of the LSTM',
  turn: 'Seconds for each',
  seconds: (n: number) => `${n} s`,
  perSecond: (rate: number) => `${rate >= 10 ? whole(rate) : rate.toFixed(1)} steps/s`,
  states: {
    asked: 'starting …',
    waits: 'waits for its turn',
    'warms up': 'warms up …',
    runs: 'runs',
    done: 'done',
    unavailable: 'not available here',
  },
  steps: (steps: number) => `${whole(steps)} ${steps === 1 ? 'step' : 'steps'}`,
  fastest: (name: string, times: number, slowest: string) =>
    `Here ${name} is the fastest: ${times >= 10 ? Math.round(times) : times.toFixed(1)} times as fast as ${slowest}.`,
  notYet: 'The result stands here when two have had their turn.',
  sizeMatters:
    'Which one wins depends on the size of the net: small ones like a processor, large ones a graphics card.',
  try: 'Try:',
  tries: [
    { text: '8 units', units: 8 },
    { text: '32 units', units: 32 },
    { text: '128 units', units: 128 },
  ],
  agreement: 'Do they compute the same?',
  agreementWhat: (steps: number) =>
    `All begin with the same weights, so the losses of the first ${steps} steps may differ by rounding alone.`,
  backend: 'Backend',
  lossesAt: (steps: number) => `Loss, step 1 → ${steps}`,
  difference: 'Largest difference (allowed)',
  differenceOf: (difference: number, allowed: number) => `${difference.toExponential(1)} (${allowed.toExponential(1)})`,
  verdict: 'Same?',
  reference: 'the others are held against it',
  agrees: (steps: number) => `yes, ${steps} ${steps === 1 ? 'step' : 'steps'}`,
  differs: (steps: number) => `no, ${steps} ${steps === 1 ? 'step' : 'steps'}`,
  pending: '–',
  here: 'What really runs here',
  runsHere: 'Runs here.',
  asking: 'Being asked …',
  titles: {
    cpu: 'Plain JavaScript',
    wasm: 'WebAssembly',
    webgl2: 'Graphics card, by WebGL 2',
    webgpu: 'Graphics card, by WebGPU',
  },
  oneThread: 'Written in JavaScript alone, it runs wherever a page does, on one core of the processor.',
  oneByOne: 'It computes one number after the other, with more digits than the others, and rounds once at the end.',
  threads: (count: number) => `It uses ${count} cores of the processor at once.`,
  oneCore: 'It uses one core of the processor, as there is only one.',
  notIsolated:
    'It uses one core of the processor: the server of this page does not isolate it from other pages, and browsers let only isolated ones share memory between cores.',
  oneThreadBecause: (why: string) => `It uses one core of the processor, because ${why}.`,
  fourAtATime: 'Each core computes with four numbers at once.',
  relaxed: 'It multiplies and adds in one go, which is faster; the last digit may differ between processors.',
  strict: 'Every processor gives the same digits.',
  notCompiled: 'This browser lets it make no programs of its own, so operations run one by one, slower.',
  card: (card: string) => `The graphics card computes: ${card}.`,
  imitated: (card: string) =>
    `There is no graphics card here: a program imitates one on the processor (${card}). It is right, and slow.`,
  within: (tolerance: number) =>
    `A result may be off by ${Math.round(tolerance * 1e6)} millionths of its size, more than on a processor.`,
  asExact: 'Results are as exact as on a processor.',
  plainSums: 'Long sums lose a few digits on this device.',
  tinyNumbers: 'Numbers closer to 0 than 1e-38 count as 0.',
  advice: {
    cpu: 'It needs nothing but JavaScript: load the page again.',
    wasm: 'WebAssembly is missing or switched off in this browser, for example by a lockdown mode. Allow it for this page, or use a current browser.',
    webgl2:
      'The browser offers no WebGL 2. Switch on “graphics acceleration” in its settings, and start it again; on a machine without a graphics card it may stay missing.',
    webgpu:
      'The browser offers no WebGPU. Current versions of Chrome, Edge, Safari and Firefox have it on most systems; on Linux it may have to be switched on. WebGL 2 does the same, somewhat slower.',
  },
  adviceElse: 'Use a current browser.',
  reported: (reason: string) => `The browser says: ${reason}`,
} as const;
