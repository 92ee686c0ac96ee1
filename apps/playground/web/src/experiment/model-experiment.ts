import type { Tensor } from '@rnn/core';
import type { Module } from '@rnn/nn';
import type { Experiment, Movable } from './experiment.ts';
import { loadModel, writeModel, type ModelFile, type ModelFormat } from './model-files.ts';

/** An experiment whose model can be taken along as a file, and take the weights of one. */
export abstract class ModelExperiment implements Experiment {
  abstract readonly movable: readonly Movable[];
  abstract readonly model: Module;
  /** What its files are called, without the end of the name. */
  protected abstract readonly fileName: string;

  abstract step(): Tensor;
  abstract view(isAtRest: boolean): unknown;

  /** Inputs of the model, for the formats that hold its arithmetic too. */
  protected abstract examples(): readonly Tensor[];

  /** The weights are others now: what was computed of those before no longer holds. */
  protected abstract outdate(): void;

  /** The model as a file, as it is now. */
  saveModel(format: ModelFormat): Promise<ModelFile> {
    return writeModel(this.model, this.fileName, format, this.examples());
  }

  /** Puts a file's weights into the model. */
  async loadModel(name: string, bytes: Uint8Array): Promise<void> {
    await loadModel(this.model, name, bytes);
    this.outdate();
  }
}
