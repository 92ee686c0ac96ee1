import { writeFileSync } from 'node:fs';
import { installPeers } from './install-peers.ts';
import { isPeer } from './libraries/index.ts';
import { readOptions } from './options.ts';
import { progressOn } from './progress.ts';
import { reportJson } from './report/json.ts';
import { crossoverText } from './report/crossover.ts';
import { reportText } from './report/text.ts';
import { runBench } from './run.ts';

const WARMUP = 500;

const { json, card, around, ...options } = readOptions(process.argv.slice(2));
if (around !== undefined) {
  const { runAround } = await import('./around/run-around.ts');
  await runAround({ ...options, ...around });
  process.exit(0); // the threads of wasm stay
} else if (card === undefined) await compare();
else {
  const { runCard, serveCard } = await import('./card/run-card.ts');
  const isSoftware = options.browser?.isSoftware === true;
  await (card.isServed ? serveCard() : runCard({ isSoftware, filter: card.filter, json }));
}

async function compare(): Promise<void> {
  if (options.libraries.some(isPeer)) installPeers();
  const progress = progressOn(process.stdout, options.tasks.length * options.libraries.length);
  const run = await runBench({ ...options, ...progress, warmup: WARMUP });
  progress.stop();
  console.log(`\n${reportText(run)}`);
  if (options.crossover) console.log(`\n${crossoverText(run)}`);
  if (json !== undefined) writeFileSync(json, `${reportJson(run)}\n`);
}
