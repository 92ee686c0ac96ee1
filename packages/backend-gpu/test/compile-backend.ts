/** A backend for tests of compiled programs. */
import { DeviceBackend } from '../src/backend.js';
import { Device } from '../src/device.js';
import { startEngine, type Engine, type Mode } from '../src/engine.js';

/** A backend whose kernels take at most `maxTensors` operands, as on devices that allow no more. */
export async function backendWith(mode: Mode, maxTensors: number = Infinity): Promise<DeviceBackend> {
  const engine = await startEngine(mode);
  const describe: Engine['describe'] = () => {
    const description = engine.describe();
    return { ...description, maxTensors: Math.min(description.maxTensors, maxTensors) };
  };
  const limited = Object.assign(Object.create(engine) as Engine, { describe });
  const device = await Device.start(limited);
  const info = {
    name: 'gpu',
    device: `${mode}, at most ${device.description.maxTensors} operands`,
    dtypes: ['float32', 'int32'] as const,
    threads: 1,
    simd: 'gpu' as const,
    synchronous: device.isSynchronous,
    notes: [],
  };
  return new DeviceBackend(info, device);
}
