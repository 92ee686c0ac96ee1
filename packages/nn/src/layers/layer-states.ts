import { concat, ShapeError, showShape, slice, split, squeeze, stack, type Tensor, unbind, unsqueeze } from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import type { StateRule } from './layer-checks.js';

/** What the states of a layer look like. */
interface StateForms {
  /** The tensors of a state, such as h0 and c0. */
  readonly names: readonly string[];
  /** For each of them its features in each layer. */
  readonly widths: readonly (readonly number[])[];
  /** For each of them what its features are called. */
  readonly widthNames: readonly string[];
  readonly directions: number;
  /** Whether the features of all layers stand side by side, since they may differ in number. */
  readonly isConcatenated: boolean;
}

/**
 * The states of all layers and directions as the caller sees them:
 * `[numLayers * directions, B, width]`, as PyTorch has them; or
 * `[directions, B, width of all layers]` where each layer has a size of its own.
 */
export class LayerStates {
  readonly isConcatenated: boolean;
  readonly #forms: StateForms;

  constructor(forms: StateForms) {
    this.isConcatenated = forms.isConcatenated;
    this.#forms = forms;
  }

  /** Features of a tensor of the state in a layer. */
  width(state: number, layer: number): number {
    return this.#forms.widths[state][layer];
  }

  /** What given states are checked against. */
  get rules(): readonly StateRule[] {
    const { names, widths, widthNames, directions, isConcatenated } = this.#forms;
    return names.map((name, i) => {
      const widthName = widthNames[i];
      if (!isConcatenated) {
        const runs = directions * widths[i].length;
        return { name, runs, runsName: 'numLayers * directions', width: widths[i][0], widthName };
      }
      const width = widths[i].reduce((sum, each) => sum + each, 0);
      return { name, runs: directions, runsName: 'directions', width, widthName: `${widthName} of all layers` };
    });
  }

  /**
   * From the states of a batch to one list of tensors `[B, width]` for every layer and direction.
   */
  unstack(states: readonly Tensor[]): Tensor[][] {
    const { widths, directions, isConcatenated } = this.#forms;
    const parts = states.map((tensor, i) => {
      if (!isConcatenated) return rowsOf(tensor);
      const layers = widths[i].length === 1 ? [tensor] : split(tensor, widths[i], -1);
      return layers.flatMap(rowsOf);
    });
    return Array.from({ length: directions * widths[0].length }, (_, run) => parts.map((part) => part[run]));
  }

  /**
   * What of the first tensor of a state belongs to the last layer.
   *
   * @param owner - for the message
   * @param h - as `rules` say, with or without a batch
   * @returns `[B, directions * width]` or without B
   */
  lastHidden(owner: string, h: Tensor): Tensor {
    const { directions, widths } = this.#forms;
    const [rule] = this.rules;
    const { shape, rank } = h;
    if ((rank !== 2 && rank !== 3) || shape[0] !== rule.runs || shape[rank - 1] !== rule.width) {
      const expected = `[${rule.runs}, B, ${rule.width}] (${rule.runsName}, batch, ${rule.widthName})`;
      refuse(ShapeError, owner, rule.name, { has: 'shape', received: showShape(shape), expected });
    }
    const width = widths[0][widths[0].length - 1];
    const own = slice(slice(h, 0, rule.runs - directions), -1, rule.width - width);
    return directions === 1 ? squeeze(own, 0) : concat(unbind(own, 0), -1);
  }

  /** The way back: from the last states of every layer and direction. */
  stack(finals: readonly (readonly Tensor[])[]): Tensor[] {
    const { names, directions, isConcatenated } = this.#forms;
    return names.map((_, i) => {
      const runs = finals.map((final) => final[i]);
      if (!isConcatenated) return stacked(runs);
      const layers = Array.from({ length: runs.length / directions }, (__, layer) =>
        stacked(runs.slice(layer * directions, (layer + 1) * directions)),
      );
      return layers.length === 1 ? layers[0] : concat(layers, -1);
    });
  }
}

/** `stack`, which for a single tensor copies nothing. */
function stacked(tensors: readonly Tensor[]): Tensor {
  return tensors.length === 1 ? unsqueeze(tensors[0], 0) : stack(tensors);
}

/** `unbind`, which for a single part copies nothing. */
function rowsOf(tensor: Tensor): Tensor[] {
  return tensor.shape[0] === 1 ? [squeeze(tensor, 0)] : unbind(tensor, 0);
}
