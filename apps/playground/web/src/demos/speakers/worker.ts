import { serveExperiment } from '../../experiment/serve.ts';
import { SpeakersExperiment } from './experiment.ts';
import type { SpeakersSettings } from './view.ts';

serveExperiment<SpeakersExperiment, SpeakersSettings>((options) => new SpeakersExperiment(options));
