import { conformance } from '@rnn/conformance/vitest';
import { wasm } from '../src/index.js';

conformance(() => wasm());
