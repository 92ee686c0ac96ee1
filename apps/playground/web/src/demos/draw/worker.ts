import { serveExperiment } from '../../experiment/serve.ts';
import { DrawExperiment } from './experiment.ts';
import type { DrawSettings } from './view.ts';

serveExperiment<DrawExperiment, DrawSettings & { readonly key: string }>((options) => new DrawExperiment(options));
