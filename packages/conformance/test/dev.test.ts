import { cpu as _cpu } from '@rnn/backend-cpu';import { minimal as cpu } from '../example/minimal-backend.js';
import { test } from 'vitest';
import { primitiveCases } from '../src/cases.js';
import { caseDirectory } from '../src/case-directory.js';
import { referenceCases } from '../src/reference/reference-cases.js';
import { runConformance } from '../src/run.js';
import { formatReport } from '../src/summary.js';
test('dev', async () => {
  const start = performance.now();
  const times: Record<string, number> = {};
  let last = performance.now();
  const report = await runConformance({ factory: cpu, cases: [...primitiveCases(), ...referenceCases(caseDirectory())], filter: process.env.FILTER, onProgress: ({result}) => { const now = performance.now(); times[result.group] = (times[result.group] ?? 0) + now - last; last = now; } });
  console.log(formatReport(report).slice(0, 20000), Math.round(performance.now() - start));
  console.log(times);
}, 200000);
