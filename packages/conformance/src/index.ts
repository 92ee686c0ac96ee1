/** What every backend must do, as cases that any runner can run. Nothing here needs Node. */
export type { CaseResult, ConformanceCase, Subject } from './case.js';
export type { Difference, Measure } from './checks.js';
export { primitiveCases } from './cases.js';
export { programExamples, type ProgramExample } from './programs/program-example.js';
export { randomPrograms } from './programs/random-program.js';
export { referenceCases, type CaseSource } from './reference/reference-cases.js';
export { registerConformance, type TestRunner } from './register.js';
export {
  runConformance,
  type BackendFactory,
  type CaseOptions,
  type Progress,
  type Report,
  type RunOptions,
} from './run.js';
export { swapCases } from './swap/swap-cases.js';
export { formatReport, reportAsJson, summarize, type GroupSummary } from './summary.js';
