import { whole } from './writing.ts';

/** What the demo "Text" says. */
export const text = {
  wrote: 'What it writes now',
  writes: 'A new text every second, by the net as it is at that moment.',
  bits: 'bits per character',
  choices: 'as if it chose among',
  letters: (count: number) => `${count.toFixed(1)} letters`,
  read: 'characters read',
  guess: 'by frequency alone',
  learns: 'How well it guesses the next letter',
  curve: 'Bits per character, by training step; lower is better. The colour is the backend that computed it.',
  temperature: 'Temperature',
  topK: 'Of the best',
  all: 'all',
  units: 'Units',
  tryCold: '0.2',
  tryWarm: '0.7',
  tryHot: '1.4',
  advice: [
    'Temperature says how daring it is: try ',
    ' (safe, and soon in circles), ',
    ' (as it learned) and ',
    ' (wild). Above stand four backends, four ways to compute the same: choose another one while it learns, and the curve goes on in its colour.',
  ],
  inside: 'Look inside',
  insideAdvice:
    'Point at a letter, or walk there with the arrow keys: the letters that its guess depended on light up. Drag over a phrase, or hold shift, to find the units that switch there.',
  passage: 'Passage',
  fromText: 'from the text',
  fromSample: 'what it wrote',
  colour: 'Colour',
  bySurprise: 'surprise',
  byUnit: 'one unit',
  unit: 'Unit',
  surprise: (character: string, bits: number) =>
    `${shown(character)} cost ${bits.toFixed(1)} bits: the net gave it a chance of ${percent(2 ** -bits)}.`,
  first: (character: string) => `${shown(character)} is the first letter: nothing was read before it.`,
  influence: (character: string, letters: readonly string[]) =>
    `The guess of ${shown(character)} depended most on ${letters.map(shown).join(', ')}.`,
  atUnit: (unit: number, value: number) => `Unit ${unit} is at ${value.toFixed(2)}.`,
  rest: 'Point at a letter.',
  gates: (unit: number) => `Gates and state of unit ${unit}, letter by letter`,
  gateNames: ['input gate i', 'forget gate f', 'candidate g', 'output gate o', 'cell state c', 'state h'],
  selected: (phrase: string) => `Units that switch at “${phrase}”`,
  switches: (unit: number, isHigh: boolean) => `unit ${unit} ${isHigh ? 'rises' : 'falls'}`,
  elsewhere: (spans: readonly string[]) =>
    spans.length === 0 ? 'nowhere else in the passage' : `also at ${spans.map((span) => `“${span}”`).join(', ')}`,
  nothingSwitches: 'No unit is much different there from what it is around. Let it learn a little longer.',
  own: 'Let it learn from a text of your own',
  ownAdvice: 'Paste a text, or drop a file anywhere here. It stays on your machine.',
  learn: 'Learn from this',
  file: 'Open a file',
  builtIn: 'Back to the built-in text',
  learnsFrom: (characters: number) => `It learns from your text of ${whole(characters)} characters.`,
  tooShort: (characters: number) =>
    `The text has ${whole(characters)} characters; it takes at least 1,000 to learn from.`,
  notText: (name: string) => `${name} is not a text: choose a file of plain text.`,
  tooLong: (limit: number) => `Only the first ${whole(limit)} characters are used.`,
  notInLink: 'The text is too long for the address, so a copied link leads to the built-in text.',
  notLoaded: 'The built-in text could not be loaded. Check the connection, or paste a text below.',
  brokenLink: 'The text in the address is damaged, so the built-in text is used.',
} as const;

function shown(character: string): string {
  if (character === ' ') return 'the space';
  if (character === '\n') return 'the end of the line';
  return `“${character}”`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
