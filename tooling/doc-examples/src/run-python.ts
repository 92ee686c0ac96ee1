/**
 * Runs the Python programs of the documents and stores what they print. Give a Python that has
 * PyTorch:
 *
 *   PYTHON=python3 node tooling/doc-examples/src/run-python.ts
 */
import { execFileSync } from 'node:child_process';
import { documents } from './documents.ts';
import { storeOutputs, twins } from './twins.ts';

const python = process.env.PYTHON ?? 'python3';
const all = documents().flatMap(twins);
const outputs = all.map(({ place, python: program }) => {
  process.stderr.write(`${place}\n`);
  return { python: program, output: execFileSync(python, ['-c', program], { encoding: 'utf8' }).trimEnd() };
});
storeOutputs(outputs);
