import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { readData } from '../../data.ts';
import { useSetting } from '../../shell/address.ts';
import { useExperiment } from '../../shell/use-experiment.ts';
import { curveLines, LinePlot } from '../../views/line-plot.tsx';
import type { TextExperiment, TextSettings } from './experiment.ts';

export default function Text(): VNode {
  const text = useSignal('');
  const units = useSetting('units', 128);
  useEffect(() => void readData('english-kjv.txt').then((all) => (text.value = all)), []);
  const session = useExperiment<TextExperiment, TextSettings>({
    worker: () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }),
    settings: { text: text.value, units: units.value, writing: { temperature: 0.7, topK: 0 } },
    live: ['writing'],
    isReady: text.value !== '',
  });
  const view = session.progress.value?.view;
  return (
    <>
      <p>{view?.sample.text}</p>
      <LinePlot
        label="Bits per character"
        xLabel="step"
        {...curveLines(session.curve.value, (loss) => loss / Math.LN2)}
      />
    </>
  );
}
