export const drawTexts = {
  lead: 'An LSTM reads the pen’s steps and learns, for each, a mixture of Gaussians for the next one (Graves 2013). Then it draws on by itself: three continuations, at first a scribble, later in your manner.',
  canvas:
    'Drawing. With the keyboard: the arrow keys move the pen, the space bar sets it down and lifts it, Enter lets the net learn what you drew.',
  keys: 'By keyboard: focus the drawing, move with the arrow keys, space sets the pen down and lifts it, Enter ends.',
  examples: 'Begin with',
  names: { loops: 'loops', waves: 'waves', steps: 'steps', dashes: 'dashes' } as Readonly<Record<string, string>>,
  own: 'your drawing',
  clear: 'Clear and draw',
  draw: 'Draw here: press, move, let go.',
  short: 'A little more: the drawing is too short to learn from.',
  temperature: 'Temperature',
  daring: {
    before: 'It says how daring the net draws: try ',
    low: 'the likeliest course',
    between: ' or ',
    high: 'as uncertain as it has learnt',
  },
  lossAxis: 'negative log likelihood',
  hidden: 'Units',
  loss: 'Loss while it learns',
  lossNote: 'Negative log likelihood of a pen step. Lower is surer; it may go below 0, since it is of a density.',
  penDown: 'pen down',
  penUp: 'pen lifted',
  pen: (x: number, y: number, isDown: boolean) =>
    `${isDown ? 'pen down' : 'pen lifted'} at ${Math.round(x)}, ${Math.round(y)}`,
  status: (steps: number) => `${steps} pen steps were drawn. Orange, green and blue: how the net goes on.`,
  inWords: (ends: readonly { x: number; y: number }[]) =>
    ends.length === 0
      ? 'No continuation yet.'
      : `The continuations end at ${ends.map(({ x, y }) => `${Math.round(x)}, ${Math.round(y)}`).join('; ')} (right, down).`,
} as const;
