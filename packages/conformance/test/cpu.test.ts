import { cpu } from '@rnn/backend-cpu';
import { conformance } from '@rnn/conformance/vitest';

conformance(cpu);
