import { serveExperiment } from '../../experiment/serve.ts';
import { MemoryExperiment, type MemorySettings } from './experiment.ts';

serveExperiment<MemoryExperiment, MemorySettings>((options) => new MemoryExperiment(options));
