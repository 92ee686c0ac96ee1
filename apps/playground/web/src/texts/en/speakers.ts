export const speakersTexts = {
  lead: 'Nine men say two vowels. Each utterance is 7 to 29 steps long, and the net hears it step by step to its own end: then it says who spoke.',
  data: '270 utterances to learn from and 370 to test on, 12 numbers a step (Kudo, Toyama, Shimbo 1999).',
  layer: 'Layer',
  hidden: 'Units',
  accuracy: 'recognised',
  right: (right: number, all: number) => `${right} of ${all} test utterances.`,
  chance: 'By chance it would be 11 %.',
  matrix: 'Who was taken for whom',
  speaks: 'Speaks',
  heard: 'heard',
  speaker: (index: number) => String(index + 1),
  choose: 'Choose a cell of the table, then an utterance: see what happens inside.',
  choices: {
    before: 'Try also ',
    layer: 'a plain RNN',
    between: ' or ',
    units: 'only 8 units',
    after: ' and see what is lost.',
  },
  cell: (speaker: number, heard: number, count: number) =>
    speaker === heard
      ? `Speaker ${speaker + 1}, recognised: ${count === 1 ? 'one utterance' : `${count} utterances`}`
      : `Speaker ${speaker + 1}, taken for ${heard + 1}: ${count === 1 ? 'one utterance' : `${count} utterances`}`,
  utterance: 'Utterance',
  number: (index: number, steps: number) => `no. ${index + 1}, ${steps} steps`,
  beliefs: 'Which of the nine it seems to be, step by step',
  states: 'State of each unit, step by step',
  input: 'What is heard: 12 numbers a step',
  unit: (unit: number) => `unit ${unit + 1}`,
  coefficient: (c: number) => `coefficient ${c + 1}`,
  who: (speaker: number) => `speaker ${speaker + 1}`,
  step: (step: number) => `step ${step + 1}`,
  settled: (speaker: number, heard: number, step: number | undefined, steps: number) =>
    step === undefined
      ? `Speaker ${speaker + 1} speaks; the net ends with ${heard + 1}.`
      : `Speaker ${speaker + 1} speaks. From step ${step + 1} of ${steps} on the net stays with ${heard + 1}${speaker === heard ? ', which is right.' : ', which is wrong.'}`,
  notLoaded: 'The utterances could not be loaded. Check the connection and try again.',
  again: 'Try again',
  loss: 'Loss while it learns',
  lossAxis: 'cross entropy',
  lossNote: 'Cross entropy of a batch; a net that guesses has 2.20.',
} as const;
