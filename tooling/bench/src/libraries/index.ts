import type { Library } from '../library.ts';

/** How a library is found and shown. */
export interface LibraryEntry {
  /** Name on the command line and in the JSON file. */
  readonly name: string;
  /** Heading of its column, two short lines at the most. */
  readonly title: string;
  /** Its family, which the command line takes as well. */
  readonly family: 'ours' | 'tfjs' | 'onnxruntime-web' | 'onnxruntime-node' | 'jax-js' | 'brain.js' | 'pytorch';
  /**
   * Loads it, in the Node process that runs it; nothing for PyTorch, which has a program of its
   * own, and for what runs in a page.
   */
  readonly load?: () => Promise<Library>;
  /** Threads, where the program is told. */
  readonly threads?: number;
}

const wasmOn = async (threads: number): Promise<Library> => (await import('./on-backends.ts')).onWasm(threads);
const nativeOn = async (threads: number): Promise<Library> => (await import('./native.ts')).onNative(threads);
const onnxRuntime = async (name: 'onnxruntime-web' | 'onnxruntime-node'): Promise<Library> =>
  (await import('./onnxruntime.ts')).loadOnnxRuntime(name);
const tfjsOn = async (backend: 'wasm' | 'cpu'): Promise<Library> =>
  (await import('./tfjs-in-node.ts')).loadTfjs(backend);

/** All libraries, in the order of the table's columns. */
export const libraries: readonly LibraryEntry[] = [
  { name: 'wasm', title: 'ours\nwasm', family: 'ours', load: () => wasmOn(1) },
  { name: 'wasm-2', title: 'ours\nwasm, 2', family: 'ours', load: () => wasmOn(2) },
  { name: 'native', title: 'ours\nnative', family: 'ours', load: () => nativeOn(1) },
  { name: 'native-2', title: 'ours\nnative,2', family: 'ours', load: () => nativeOn(2) },
  { name: 'cpu', title: 'ours\ncpu', family: 'ours', load: async () => (await import('./on-backends.ts')).onCpu() },
  { name: 'pytorch', title: 'PyTorch', family: 'pytorch', threads: 1 },
  { name: 'pytorch-2', title: 'PyTorch\n2', family: 'pytorch', threads: 2 },
  {
    name: 'onnxruntime-web',
    title: 'onnxrt.\nweb',
    family: 'onnxruntime-web',
    load: () => onnxRuntime('onnxruntime-web'),
  },
  {
    name: 'onnxruntime-node',
    title: 'onnxrt.\nnode',
    family: 'onnxruntime-node',
    load: () => onnxRuntime('onnxruntime-node'),
  },
  { name: 'tfjs-wasm', title: 'tfjs\nwasm', family: 'tfjs', load: () => tfjsOn('wasm') },
  { name: 'tfjs-cpu', title: 'tfjs\ncpu', family: 'tfjs', load: () => tfjsOn('cpu') },
  {
    name: 'jax-js',
    title: 'jax-js\nwasm',
    family: 'jax-js',
    load: async () => (await import('./jax-js.ts')).loadJaxJs(),
  },
  {
    name: 'brain.js',
    title: 'brain.js',
    family: 'brain.js',
    load: async () => (await import('./brain.ts')).loadBrain(),
  },
];

/** What runs in a page; src/page/loaders.ts loads it there. */
export const pageLibraries: readonly LibraryEntry[] = [
  { name: 'cpu', title: 'ours\ncpu', family: 'ours' },
  { name: 'wasm', title: 'ours\nwasm', family: 'ours' },
  { name: 'wasm-2', title: 'ours\nwasm, 2', family: 'ours' },
  { name: 'webgl2', title: 'ours\nwebgl2', family: 'ours' },
  { name: 'webgpu', title: 'ours\nwebgpu', family: 'ours' },
  { name: 'tfjs-webgl', title: 'tfjs\nwebgl', family: 'tfjs' },
];

/** Libraries that `--peers` installs. */
export const isPeer = ({ family }: LibraryEntry): boolean => family !== 'ours' && family !== 'pytorch';
