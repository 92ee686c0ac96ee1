import { ambient, type CompileMode } from './ambient.js';
import { checkChoice } from './checks/values.js';
import { TraceError } from './errors.js';

export type { CompileMode } from './ambient.js';

const modes = ['required', 'auto', 'never'] as const satisfies readonly CompileMode[];

/**
 * Sets the mode of everything that does not say which. `'required'` turns each silent fallback into
 * an error: for tests, and to find out what is slow.
 *
 * @example
 * ```ts
 * setCompileMode('required');
 * ```
 * @param mode - `'auto'` unless it was set
 * @returns the mode before
 * @throws ArgumentError for any other word
 *
 * Differs from PyTorch: its nearest kin is `torch.compile(fullgraph=True)`, for one function.
 */
export function setCompileMode(mode: CompileMode): CompileMode {
  checkCompileMode('setCompileMode', 'mode', mode);
  const before = ambient.compile.value;
  ambient.compile.value = mode;
  return before;
}

/** Refuses what is no mode. */
export function checkCompileMode(operation: string, argument: string, mode: unknown): void {
  checkChoice(operation, argument, mode, modes);
}

/** The mode that holds, given what a call says. */
export function compileModeOf(asked: CompileMode | undefined): CompileMode {
  return asked ?? ambient.compile.value;
}

/**
 * The error where something has to be compiled and cannot be: the step's own, if it is the step
 * that fails.
 */
export function refuseEager(operation: string, reason: TraceError): never {
  if (reason.cause instanceof Error && !(reason.cause instanceof TraceError)) throw reason.cause;
  throw new TraceError(
    `${operation}: compile is 'required', but the step cannot be compiled: ${reason.message}; change the step, or pass compile: 'auto' to run it by single operations`,
    {
      argument: 'compile',
      expected: 'a step that can be compiled',
      received: reason.message,
      cause: reason.cause ?? reason,
    },
  );
}
