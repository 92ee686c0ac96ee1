import { conformance } from '@rnn/conformance/vitest';
import { gpu } from '../src/index.js';

// The kernels as JavaScript: what they compute is held against PyTorch here, what devices make of
// them in the browser's tests.
conformance(() => gpu({ mode: 'cpu' }));
