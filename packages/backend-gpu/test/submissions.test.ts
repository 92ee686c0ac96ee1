/** Launches that are handed to a WebGPU device together. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Submissions, type ComputeDevice, type DeviceBuffer } from '../src/submissions.js';

/** A device whose launches read, when they are handed over, what their buffer holds then. */
class Recorder implements ComputeDevice {
  readonly contents = new Map<DeviceBuffer, number>();
  readonly seen: string[] = [];
  submissions = 0;
  readonly queue = {
    submit: (commands: readonly object[]): void => {
      this.submissions++;
      for (const command of commands) this.seen.push((command as { run: () => string }).run());
    },
    writeBuffer: (buffer: DeviceBuffer, value: unknown): void => {
      this.contents.set(buffer, value as number);
    },
  };

  createBuffer({ size }: { readonly size: number }): DeviceBuffer {
    const buffer = {
      size,
      destroy: () => void this.contents.set(buffer, NaN),
      mapAsync: async () => {
        this.seen.push('read');
        return undefined;
      },
    };
    return buffer;
  }

  /** What reads a buffer, as a launch does. */
  reading(buffer: DeviceBuffer): { run: () => string } {
    return { run: () => String(this.contents.get(buffer)) };
  }
}

const action = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('launch' as const), size: fc.constantFrom(48, 500, 1300) }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ kind: 'read' as const }, { kind: 'write' as const }, { kind: 'destroy' as const }),
  },
);

test('every launch finds its own numbers, and what is written, read and destroyed keeps its place', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 300 }), async (actions) => {
      const device = new Recorder();
      const submissions = Submissions.on(device);
      const expected: string[] = [];
      const shared = device.createBuffer({ size: 4, usage: 0 } as { size: number });
      device.queue.writeBuffer(shared, 0);
      let launched = 0;
      let sharedValue = 0;
      for (const [n, each] of actions.entries()) {
        if (each.kind === 'launch') {
          const numbers = submissions.numbersOf(each.size);
          expect(numbers.size).toBeGreaterThanOrEqual(each.size);
          // gpu.js makes and destroys buffers in the middle of a launch
          if (n % 7 === 0) device.createBuffer({ size: 4, usage: 0 } as { size: number }).destroy();
          device.queue.writeBuffer(numbers, n);
          submissions.collect(() => device.queue.submit([device.reading(numbers), device.reading(shared)]));
          expected.push(String(n), String(sharedValue));
          launched++;
        } else if (each.kind === 'write') device.queue.writeBuffer(shared, (sharedValue = n));
        else if (each.kind === 'read') {
          const staging = device.createBuffer({ size: 4, usage: 1 } as { size: number });
          await staging.mapAsync();
          expected.push('read');
        } else {
          const buffer = device.createBuffer({ size: 4, usage: 0 } as { size: number });
          device.queue.writeBuffer(buffer, n);
          device.queue.submit([device.reading(buffer)]);
          buffer.destroy();
          expected.push(String(n));
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(device.seen).toEqual(expected);
      expect(device.submissions).toBeLessThanOrEqual(launched + actions.length);
    }),
    { numRuns: 60 },
  );
});

test('launches are handed over many at a time, the last ones when the program turns to something else', async () => {
  const device = new Recorder();
  const submissions = Submissions.on(device);
  for (let n = 0; n < 100; n++) {
    const numbers = submissions.numbersOf(64);
    device.queue.writeBuffer(numbers, n);
    submissions.collect(() => device.queue.submit([device.reading(numbers)]));
  }
  expect(device.submissions).toBe(12);
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(device.submissions).toBe(13);
  expect(device.seen).toEqual(Array.from({ length: 100 }, (_, n) => String(n)));
});
