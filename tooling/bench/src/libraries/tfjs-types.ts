/** What is used of `@tensorflow/tfjs`, whose own types are there only after an installation. */
export interface TfTensor {
  readonly shape: readonly number[];
  add(other: TfTensor): TfTensor;
  sub(other: TfTensor): TfTensor;
  mul(other: TfTensor): TfTensor;
  tanh(): TfTensor;
  sigmoid(): TfTensor;
  square(): TfTensor;
  mean(): TfTensor;
  toFloat(): TfTensor;
  reshape(shape: readonly number[]): TfTensor;
  transpose(order?: readonly number[]): TfTensor;
  dataSync(): Float32Array;
  dispose(): void;
}

export interface TfVariable extends TfTensor {
  assign(value: TfTensor): void;
}

interface TfOptimizer {
  minimize(loss: () => TfTensor, returnCost: true, variables: readonly TfVariable[]): TfTensor;
}

/** A layer, before it stands in a model. */
export interface TfLayer {
  setWeights(weights: readonly TfTensor[]): void;
}

interface TfModel {
  add(layer: TfLayer): void;
  predict(x: TfTensor): TfTensor;
}

type MakeLayer = (options: object) => TfLayer;

export interface Tensorflow {
  setBackend(name: string): Promise<boolean>;
  getBackend(): string;
  ready(): Promise<void>;
  tensor(values: Float32Array | Int32Array, shape: readonly number[], dtype: 'float32' | 'int32'): TfTensor;
  variable(initial: TfTensor): TfVariable;
  zeros(shape: readonly number[]): TfTensor;
  matMul(a: TfTensor, b: TfTensor, transposeA: boolean, transposeB: boolean): TfTensor;
  split(x: TfTensor, parts: number, axis: number): TfTensor[];
  stack(tensors: readonly TfTensor[]): TfTensor;
  unstack(tensor: TfTensor): TfTensor[];
  concat(tensors: readonly TfTensor[], axis: number): TfTensor;
  oneHot(classes: TfTensor, depth: number): TfTensor;
  tidy<T>(work: () => T): T;
  disposeVariables(): void;
  readonly losses: { softmaxCrossEntropy(labels: TfTensor, logits: TfTensor): TfTensor };
  readonly train: {
    sgd(lr: number): TfOptimizer;
    adam(lr: number, beta1: number, beta2: number, eps: number): TfOptimizer;
  };
  sequential(): TfModel;
  readonly layers: Readonly<Record<'simpleRNN' | 'lstm' | 'gru', MakeLayer>> & {
    bidirectional(options: { layer: TfLayer; mergeMode: 'concat'; batchInputShape?: readonly number[] }): TfLayer;
  };
}

/** What is used of `@tensorflow/tfjs-backend-wasm`. */
export interface TfBackendWasm {
  setWasmPaths(this: void, folder: string): void;
}
