/** The device of WebGPU in Node, where there is one. */
import { expect, test } from 'vitest';
import { expectedSharing, obstacle, shareDevice } from './device-sharing.js';

const reason = await obstacle();

test('backends share a device, and the last one destroys it', async ({ task, skip }) => {
  if (reason !== undefined) {
    Object.assign(task.meta, { skipped: reason });
    skip(reason);
  }
  await expect(shareDevice()).resolves.toEqual(expectedSharing);
});
