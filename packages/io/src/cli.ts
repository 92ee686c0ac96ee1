#!/usr/bin/env node
import { Command, Option } from 'commander';
import { check } from './command/check/check.js';
import { passes } from './command/check/finding.js';
import { rendered, renderedJson } from './command/check/render.js';
import { convertToModule, isModuleName } from './command/convert-to-module.js';
import { formatFor, formatOf } from './command/formats.js';
import { listing } from './command/listing.js';
import type { WrittenFloat } from './safetensors/encode.js';

const command = new Command('rnn-io').description('Looks into files of models, checks them, and converts them.');

command
  .command('show <file>')
  .description('list tensors, shapes, sizes and metadata')
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
Each line says who meets what: keep, change (otherwise than one may think), refuse, or wrong (the file contradicts
itself: a self-test that fails, swapped states, a stale state, a wrong context, weights that are no numbers).

Exit code: 0 when the file passes, 1 when something is wrong or refused by those who read such files, 2 when it cannot
be checked. PyTorch reads no ONNX and ONNX Runtime no weights alone, so what they would refuse there is only told.`,
  )
  .action(async (file: string, { json, strict, vector }: CheckOptions) => {
    let report;
    try {
      report = await check(file, vector);
    } catch (error) {
      fail(error, 2);
      return;
    }
    const { stdout } = process;
    const text = json
      ? renderedJson(report, strict === true)
      : rendered(report, strict === true, stdout.isTTY && stdout.hasColors());
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
  .action(async (from: string, to: string, { dtype }: { dtype?: WrittenFloat }) => {
    if (isModuleName(to)) {
      console.log(await convertToModule(from, to, dtype));
      return;
    }
    const target = formatFor(to);
    const { tensors, metadata } = await (await formatOf(from)).read(from);
    await target.write(to, tensors, { dtype, metadata });
    console.log(`${to}: ${Object.keys(tensors).length} tensors`);
    const left = target.keepsMetadata ? [] : Object.keys(metadata);
    if (left.length > 0) console.log(`metadata left out: ${left.join(', ')}`);
  });

function fail(error: unknown, exitCode: number): void {
  console.error(`rnn-io: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = exitCode;
}

try {
  await command.parseAsync(process.argv);
} catch (error) {
  fail(error, 1);
}
