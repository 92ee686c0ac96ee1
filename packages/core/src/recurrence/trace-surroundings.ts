/** What a step that is traced finds around it: tensors of a real backend, which get stand-ins, and random numbers, which become inputs. */
import { checkSameBackend } from '../checks/tensors.js';
import type { Backend } from '../backend.js';
import { TraceError } from '../errors.js';
import type { Draw } from '../ops/draw.js';
import { showShape, sizeOf, type Shape } from '../shape.js';
import { SharedStorage } from '../shared-storage.js';
import { Tensor } from '../tensor.js';
import type { TracedDraw } from './drawing.js';
import type { Graph, Value } from './graph.js';
import type { Tracer } from './tracer.js';

/** Holds no memory, so nobody has to watch over it. */
class SymbolStorage extends SharedStorage {
  override watch(): void {}
}

export class TraceSurroundings {
  /** Tensors of the real backend that the step used, in the order of their first use. */
  readonly captured: Tensor[] = [];
  readonly capturedValues: Value[] = [];
  /** What the step drew, in the order of its calls. */
  readonly drawn: Value[] = [];
  readonly draws: TracedDraw[] = [];
  private readonly graph: Graph;
  private readonly tracer: Tracer;
  private readonly real: Backend;
  private readonly rows: number;
  private readonly batched: boolean;
  /** By tensor: two may share their memory and still be two leaves. */
  private readonly standIns = new Map<Tensor, Tensor>();

  constructor(
    graph: Graph,
    tracer: Tracer,
    { backend, rows, batched }: { readonly backend: Backend; readonly rows: number; readonly batched: boolean },
  ) {
    this.graph = graph;
    this.tracer = tracer;
    this.real = backend;
    this.rows = rows;
    this.batched = batched;
  }

  /** A tensor that stands for a value. */
  tensorOf(value: Value, shape: Shape, wantsGrad: boolean): Tensor {
    const tensor = new Tensor(new SymbolStorage(this.tracer, this.tracer.storageOf(value)), shape);
    if (wantsGrad) tensor.requiresGrad = true;
    return tensor;
  }

  /** What stands for a tensor of the real backend; nothing for what the trace itself made, and for what was freed. */
  readonly standInFor = (tensor: Tensor): Tensor | undefined => {
    const { captured, real } = this;
    const { backend, storage } = tensor.home;
    if (backend === this.tracer || tensor.isDisposed) return undefined;
    checkSameBackend('scan', 'a tensor of the step', backend, real, 'xs');
    let standIn = this.standIns.get(tensor);
    if (standIn === undefined) {
      const { dtype } = storage;
      const index = captured.length;
      const value = this.graph.add('fixed', tensor.size, dtype, `captured ${index} : ${tensor.size} ${dtype}`, {
        kind: 'captured',
        index,
      });
      standIn = this.tensorOf(value, tensor.shape, tensor.requiresGrad).keep();
      this.standIns.set(tensor, standIn);
      captured.push(tensor);
      this.capturedValues.push(value);
    }
    return standIn;
  };

  /** What stands for a random tensor, which is drawn at each run. */
  readonly drawInput = ({ shape, dtype, backend, generator, fill, perSequence }: Draw): Tensor => {
    if (backend !== this.tracer) throw new TraceError('the step draws random numbers on another backend');
    if (this.batched && shape[0] !== this.rows) {
      throw new TraceError(`the step draws random numbers of shape ${showShape(shape)}, without the batch in front`);
    }
    const width = sizeOf(shape) / this.rows;
    const name = `r${this.drawn.length}`;
    const value = this.graph.add('row', width, dtype, `input ${name} : ${width} ${dtype}`, { kind: 'input', name });
    this.drawn.push(value);
    this.draws.push({ width, dtype, generator, fill, perSequence });
    return this.tensorOf(value, shape, false);
  };
}
