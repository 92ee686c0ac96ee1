/** A fitted scaler in an exported module. */

/** `transformed = (value - offset) / scale + base`, one offset and scale for each feature. */
export interface ScalerData {
  readonly offset: readonly number[];
  readonly scale: readonly number[];
  readonly base: number;
}

interface ExportedScaler {
  readonly transform: (values: ArrayLike<number>, out?: Float32Array, features?: readonly number[]) => Float32Array;
  readonly inverse: (values: ArrayLike<number>, out?: Float32Array, features?: readonly number[]) => Float32Array;
}

export function createScaler({ offset, scale, base }: ScalerData): ExportedScaler {
  const all = offset.map((_, feature) => feature);
  const map =
    (isInverse: boolean): ExportedScaler['transform'] =>
    (values, out = new Float32Array(values.length), features = all) => {
      if (values.length % features.length !== 0 || features.some((feature) => offset[feature] === undefined))
        throw new RangeError(
          `scaler: ${values.length} values, expected rows of the features [${features.join(', ')}] out of ${all.length}`,
        );
      for (let i = 0; i < values.length; i++) {
        const feature = features[i % features.length];
        out[i] = isInverse
          ? (values[i] - base) * scale[feature] + offset[feature]
          : (values[i] - offset[feature]) / scale[feature] + base;
      }
      return out;
    };
  return { transform: map(false), inverse: map(true) };
}
