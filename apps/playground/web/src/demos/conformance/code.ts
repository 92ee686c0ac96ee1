import { cpu } from '@rnn/backend-cpu';
import { formatReport, primitiveCases, runConformance } from '@rnn/conformance';

// Your own factory in the place of cpu; without the filter all cases run.
const report = await runConformance({ factory: cpu, cases: primitiveCases(), filter: 'kernel movement' });
console.log(formatReport(report));
