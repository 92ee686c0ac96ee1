import { setCompileMode } from '@rnn/core';
import { beforeEach } from 'vitest';

// Whatever a test runs in a compiled form has to be compiled: one in which a step falls back to
// single operations says so, by `setCompileMode('auto')` or `compile: 'auto'`.
beforeEach(() => {
  setCompileMode('required');
});
