#!/usr/bin/env node
import { Command, Option } from 'commander';
import { formatFor, formatOf } from './command/formats.js';
import { listing } from './command/listing.js';
import type { WrittenFloat } from './safetensors/encode.js';

const command = new Command('rnn-io').description('Looks into files of models, and converts them.');

command
  .command('show <file>')
  .description('list tensors, shapes, sizes and metadata')
  .action(async (file: string) => {
    const format = await formatOf(file);
    console.log(listing(await format.show(file)));
  });

command
  .command('convert <in> <out>')
  .description('write the tensors of a file as another kind, by the end of its name')
  .addOption(
    new Option('--dtype <type>', 'the type of all floating tensors').choices([
      'float16',
      'bfloat16',
      'float32',
      'float64',
    ]),
  )
  .action(async (from: string, to: string, { dtype }: { dtype?: WrittenFloat }) => {
    const target = formatFor(to);
    const { tensors, metadata } = await (await formatOf(from)).read(from);
    await target.write(to, tensors, { dtype, metadata });
    console.log(`${to}: ${Object.keys(tensors).length} tensors`);
  });

try {
  await command.parseAsync(process.argv);
} catch (error) {
  console.error(`rnn-io: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
