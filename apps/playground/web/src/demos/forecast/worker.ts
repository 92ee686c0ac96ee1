import { serveExperiment } from '../../experiment/serve.ts';
import { ForecastExperiment } from './experiment.ts';
import type { ForecastSettings } from './view.ts';

serveExperiment<ForecastExperiment, ForecastSettings>((options) => new ForecastExperiment(options));
