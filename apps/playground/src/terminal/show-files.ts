import type { FilesResult } from '../chapters/files.ts';
import { grid } from './grid.ts';
import type { Screen } from './screen.ts';
import type { Summary } from './summary.ts';

export function showFiles(screen: Screen, { steps, months, used, entries, check }: FilesResult): void {
  screen.print();
  screen.say(
    `After ${steps} steps the LSTM goes into files and comes back. Every reader forecasts the same ${months} months; a model that PyTorch ` +
      `saved is held against what PyTorch computed:`,
  );
  screen.print();
  screen.print(
    grid(
      screen,
      ['file', 'bytes', 'run by', 'against', 'differs by'],
      used.map(({ file, bytes, by, against, difference }) => [file, String(bytes), by, against, small(difference)]),
      ['left', 'right', 'left', 'left', 'right'],
    ),
  );
  screen.print();
  screen.say("Its entries have PyTorch's names, so torch.nn.LSTM(1, 32) and torch.nn.Linear(32, 1) load them:");
  screen.print();
  const widest = Math.max(...entries.map(([name]) => name.length));
  for (const [name, shape] of entries) screen.print(`  ${name.padEnd(widest)}  [${shape.join(', ')}]`);
  screen.print();
  screen.print(`  ${screen.paint('bold', 'npx rnn-io check lstm.onnx')}`);
  for (const line of check.split('\n')) {
    if (line === '') screen.print();
    else screen.say(`  ${line}`);
  }
}

export function summariseFiles({ used }: FilesResult): Summary[] {
  return used
    .filter(({ by, against }) => by === 'ONNX Runtime' || against === 'PyTorch')
    .map(({ file, by, against, difference }) => ({
      what: `${file} read`,
      result: `within ${small(difference)}`,
      beside: `as ${by === 'ONNX Runtime' ? by : against}`,
    }));
}

function small(value: number): string {
  return value === 0 ? '0' : value.toExponential(0);
}
