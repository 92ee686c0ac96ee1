/**
 * What the lesson's chapter runs, piece by piece, for those who show it. A test holds these lines
 * to the chapter's code.
 */
export const pieces = {
  draw: ['manualSeed(0);', 'const cell = new SimpleRNNCell(3, 2);', 'const x = randn([5, 3]);'],
  run: [
    'let h = zeros([2]);',
    'for (const [t, xt] of x.unbind(0).entries()) {',
    '  h = cell.forward(xt, h);',
    '  print(`Time step ${t}: h_t =`, h);',
    '}',
  ],
  differentiate: ['h.square().sum().backward();'],
} as const;
