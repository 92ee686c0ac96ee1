import { serveExperiment } from '../../experiment/serve.ts';
import { TextExperiment, type TextSettings } from './experiment.ts';

serveExperiment<TextExperiment, TextSettings>((options) => new TextExperiment(options));
