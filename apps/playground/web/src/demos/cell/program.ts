/** A cell as a program that runs by itself: its text, with what it stands on. */
import { functions, makers } from './language/functions.ts';
import { namesOf, type CellSyntax } from './language/syntax.ts';
import { inputSize, steps } from './trace.ts';

/** How the states are printed; those with names by their names, whatever order they come in. */
const show = {
  name: 'console.log(String(states));',
  list: 'for (const state of states) console.log(String(state));',
  record: 'for (const [name, state] of Object.entries(states)) console.log(name, String(state));',
} as const;

/** The program in JavaScript. */
export function programOf(cell: CellSyntax, text: string, seed: number): string {
  const used = [...functions.keys(), ...makers.keys()].filter((name) => new RegExp(`(?<!\\.)\\b${name}\\(`).test(text));
  const imports = [...new Set([...used, 'manualSeed', 'randn', 'scan', 'setBackend', 'zeros'])].sort();
  const isSized = cell.outside.some(({ target }) => namesOf(target)[0] === 'H');
  const zeros = 'zeros([H])';
  const { state } = cell;
  const initial =
    state.kind === 'name'
      ? zeros
      : state.kind === 'list'
        ? `[${state.names.map(() => zeros).join(', ')}]`
        : `{ ${state.entries.map(([key]) => `${key}: ${zeros}`).join(', ')} }`;
  return `import { cpu } from '@rnn/backend-cpu';
import { ${imports.join(', ')} } from '@rnn/core';

setBackend(await cpu());
manualSeed(${seed});
${isSized ? `const X = ${inputSize};` : `const [X, H] = [${inputSize}, 2];`}
${text.trim()}

const xs = randn([${steps}, X]);
const [states] = scan(
  (x, state) => {
    const next = step(x, state);
    return [next, next];
  },
  xs,
  ${initial},
);
${show[state.kind]}
`;
}
