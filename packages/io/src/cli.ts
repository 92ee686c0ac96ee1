#!/usr/bin/env node
import { Command, Option } from 'commander';
import { FormatError } from '@rnn/core';
import { readFileSync } from 'node:fs';
import { check } from './command/check/check.js';
import { passes } from './command/check/finding.js';
import { rendered, renderedJson } from './command/check/render.js';
import { convertToModule } from './command/convert-to-module.js';
import { formatFor, formatOf, isModuleName } from './command/formats.js';
import { counted, listing } from './command/listing.js';
import { FileError, systemWords } from './files/file-error.js';
import { columnsOf, wrapped } from './command/wrapped.js';
import type { WrittenFloat } from './safetensors/encode.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const command = new Command('rnn-io')
  .description('Looks into files of models, checks them, and converts them.')
  .version(version)
  .addHelpText(
    'after',
    `
Files: safetensors, PyTorch (.pt, .pth; read as data, nothing in them runs), and
ONNX. Which kind a file is, its first bytes say, whatever its name.

  rnn-io show model.onnx
  rnn-io check model.onnx
  rnn-io convert model.pt model.safetensors

\`rnn-io help convert\` says more of a command.`,
  );

command
  .command('show <file>')
  .description('list tensors, shapes, sizes and metadata')
  .addHelpText(
    'after',
    `
Of safetensors and PyTorch's files: each tensor with its type, shape and size,
then metadata. Of an ONNX model also its inputs, outputs and operators, and
which outputs are the next call's inputs (the state contract).`,
  )
  .action(async (file: string) => {
    const format = await formatOf(file);
    console.log(listing(await format.show(file)));
  });

interface CheckOptions {
  readonly json?: true;
  readonly strict?: true;
  readonly vector?: string;
}

command
  .command('check <file>')
  .description('say what PyTorch, ONNX and ONNX Runtime keep, change or refuse of a model, and run its self-test')
  .option('--json', 'findings as JSON')
  .option('--strict', 'changes do not pass either')
  .option('--vector <file>', 'a further test of an ONNX model: JSON of { inputs, outputs }, tensors as { shape, data }')
  .addHelpText(
    'after',
    `
Each line says who meets what: keep; change (otherwise than one may think);
refuse; or wrong, where the file contradicts itself: a self-test that fails,
swapped states, a stale state, a wrong context, weights that are no numbers.

Exit code: 0 when the file passes; 1 when something is wrong, or refused by
those who read such files; 2 when it cannot be checked. PyTorch reads no ONNX
and ONNX Runtime no weights alone, so what they would refuse there is only told.

  rnn-io check model.onnx
  rnn-io check model.onnx --vector example.json --json`,
  )
  .action(async (file: string, { json, strict, vector }: CheckOptions) => {
    let report;
    try {
      report = await check(file, vector);
    } catch (error) {
      fail(error, 2, file);
      return;
    }
    const { stdout } = process;
    const text = json
      ? renderedJson(report, strict === true)
      : rendered(report, strict === true, stdout.isTTY && stdout.hasColors(), columnsOf(stdout));
    console.log(text);
    process.exitCode = passes(report, strict === true) ? 0 : 1;
  });

command
  .command('convert <in> <out>')
  .description(
    'write the tensors of a file as another kind, by the end of its name, or an ONNX model as an ES module (.mjs)',
  )
  .addOption(
    new Option('--dtype <type>', 'the type of all floating tensors').choices([
      'float16',
      'bfloat16',
      'float32',
      'float64',
    ]),
  )
  .addHelpText(
    'after',
    `
  from \\ to      .safetensors   .pt, .pth   .onnx   .mjs, .js
  safetensors        yes           yes        no        no
  PyTorch            yes           yes        no        no
  ONNX             weights       weights      no        yes

Weights do not say what to compute, so that they become no model: load them into
one, and write that with writeOnnx or exportModule. Weights of recurrent layers
of ONNX get PyTorch's names and its order of gates.

  rnn-io convert model.pt model.safetensors --dtype bfloat16
  rnn-io convert model.onnx model.pt
  rnn-io convert model.onnx model.mjs`,
  )
  .action(async (from: string, to: string, { dtype }: { dtype?: WrittenFloat }) => {
    const target = isModuleName(to) ? undefined : formatFor(to);
    if (target === undefined) {
      console.log(await convertToModule(from, to, dtype));
      return;
    }
    const source = await formatOf(from);
    if (source === target && !target.isWritten)
      throw new FormatError(`${from} is ${source.name} already; rnn-io writes such files of models, by writeOnnx`);
    const { tensors, metadata } = await source.read(from);
    await target.write(to, tensors, { dtype, metadata });
    console.log(`${to}: ${counted(Object.keys(tensors).length, 'tensor')}`);
    const left = target.keepsMetadata ? [] : Object.keys(metadata);
    if (left.length > 0) console.log(`metadata left out: ${left.join(', ')}`);
  });

function fail(error: unknown, exitCode: number, file?: string): void {
  const { path = file } = error as NodeJS.ErrnoException;
  const said = error instanceof Error ? error.message : String(error);
  const message = systemWords(error, 'read') ?? said;
  const isNamed =
    path === undefined || error instanceof FileError || command.args.some((arg) => message.startsWith(arg));
  const where = isNamed ? '' : `${path}: `;
  console.error(wrapped(`rnn-io: ${where}${message}`, columnsOf(process.stderr)));
  process.exitCode = exitCode;
}

try {
  await command.parseAsync(process.argv);
} catch (error) {
  fail(error, 1, command.args[1]);
}
