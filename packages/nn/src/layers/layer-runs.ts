import type { StepWeights } from '../cells/recurrent-cell.js';

/** One layer in one direction: a scan of its own. */
export interface LayerRun {
  readonly layer: number;
  readonly isReverse: boolean;
  /** The end of its parameters' names. */
  readonly suffix: string;
  /** The names of its parameters. */
  readonly names: { readonly [Name in keyof StepWeights]-?: `${Name}${string}` };
}

/** The runs of all layers, those of one layer side by side. */
export function runsOf(numLayers: number, directions: number): readonly LayerRun[] {
  return Array.from({ length: numLayers * directions }, (_, run) => {
    const [layer, isReverse] = [Math.floor(run / directions), run % directions === 1];
    const suffix = `_l${layer}${isReverse ? '_reverse' : ''}`;
    return {
      layer,
      isReverse,
      suffix,
      names: {
        weight_ih: `weight_ih${suffix}`,
        weight_hh: `weight_hh${suffix}`,
        bias_ih: `bias_ih${suffix}`,
        bias_hh: `bias_hh${suffix}`,
        weight_hr: `weight_hr${suffix}`,
      },
    };
  });
}
