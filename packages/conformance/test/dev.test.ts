import { cpu } from '@rnn/backend-cpu';
import { test } from 'vitest';
import { elementwiseCases } from '../src/kernels/elementwise.js';
import { movementCases } from '../src/kernels/movement.js';
import { indexingCases } from '../src/kernels/indexing.js';
import { contractionCases } from '../src/kernels/contraction.js';
import { specialValueCases } from '../src/kernels/special-values.js';
import { storageCases } from '../src/kernels/storage.js';
import { operationCases } from '../src/tensors/operation-cases.js';
import { runConformance } from '../src/run.js';
test('dev', async () => {
  for (const list of [elementwiseCases, movementCases, indexingCases, contractionCases, specialValueCases, storageCases, operationCases]) {
    const start = performance.now();
    const report = await runConformance({ factory: cpu, cases: list() });
    console.log(list.name, report.passed, report.failed, report.skipped, Math.round(performance.now() - start));
    for (const r of report.results) if (r.status === 'failed') console.log(r.group, r.name, r.reason?.slice(0, 600));
    const worst = [...report.results].sort((a, b) => b.error/(b.tolerance||1) - a.error/(a.tolerance||1)).slice(0,3);
    console.log(worst.map((r) => `${r.name} ${r.error} / ${r.tolerance}`).join('\n'));
  }
}, 200000);
