import { expect, test } from 'vitest';
import { examples, headings, links, parse } from '../src/documents.ts';

const document = parse(
  'guide.md',
  `# A \`guide\`

\`\`\`ts
console.log(1);
\`\`\`

\`\`\`text
1
\`\`\`

Prints nothing:

\`\`\`ts
const x = 1;
\`\`\`

See [the part](#part) or *[another](other.md)*.

\`\`\`ts fragment
x +
\`\`\`

\`\`\`text
not its output
\`\`\`
`,
);

test('a ts block is a program, and the text block right after it its output', () => {
  expect(examples(document)).toEqual([
    { place: 'guide.md:3', code: 'console.log(1);', output: '1' },
    { place: 'guide.md:13', code: 'const x = 1;', output: '' },
  ]);
});

test('links and headings are found at any depth', () => {
  expect(links(document)).toEqual(['#part', 'other.md']);
  expect(headings(document)).toEqual(['A guide']);
});
