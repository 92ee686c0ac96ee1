import { Resampler } from './resampler.ts';

/** The rate that the detector was trained on, in samples a second. */
export const detectorRate = 16_000;
/** Samples of a frame: 32 ms. */
export const frameLength = 512;
/** Samples of the frame before that stand in front of each. */
const contextLength = 64;
/** Cells of the detector's LSTM. */
export const cells = 128;

/** What the exported model offers. */
export interface VoiceModel {
  readonly initialState: () => { readonly h: Float32Array; readonly c: Float32Array };
  readonly step: (
    frame: ArrayLike<number>,
    state: { readonly h: Float32Array; readonly c: Float32Array },
  ) => ArrayLike<number>;
}

/** A frame that was heard. */
export interface HeardFrame {
  /** How probable it is that somebody speaks, from 0 to 1. */
  readonly probability: number;
  /** The cell state after the frame. */
  readonly c: Float32Array;
  /** The output of the cells after the frame, each between -1 and 1. */
  readonly h: Float32Array;
}

/** Cuts a stream of samples into frames, and hears them one after another. */
export class Detector {
  private readonly model: VoiceModel;
  private readonly state: ReturnType<VoiceModel['initialState']>;
  private readonly resampler: Resampler | undefined;
  private readonly onFrame: (frame: HeardFrame) => void;
  private readonly input = new Float32Array(contextLength + frameLength);
  private filled = contextLength;

  /**
   * @param rate - of the samples that come in
   * @param onFrame - called with every frame; its arrays change with the next one
   */
  constructor(model: VoiceModel, rate: number, onFrame: (frame: HeardFrame) => void) {
    this.model = model;
    this.state = model.initialState();
    this.resampler = rate === detectorRate ? undefined : new Resampler(rate, detectorRate);
    this.onFrame = onFrame;
  }

  push(samples: Float32Array): void {
    if (this.resampler === undefined) for (const sample of samples) this.take(sample);
    else this.resampler.push(samples, this.take);
  }

  private readonly take = (sample: number): void => {
    const { input, state } = this;
    input[this.filled++] = sample;
    if (this.filled < input.length) return;
    const probability = this.model.step(input, state)[0] ?? Number.NaN;
    input.copyWithin(0, frameLength);
    this.filled = contextLength;
    this.onFrame({ probability, c: state.c, h: state.h });
  };
}
