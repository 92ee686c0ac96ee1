import { serveExperiment } from '../../experiment/serve.ts';
import { RaceExperiment, type RaceSettings } from './race-experiment.ts';

serveExperiment<RaceExperiment, RaceSettings>((options) => new RaceExperiment(options));
