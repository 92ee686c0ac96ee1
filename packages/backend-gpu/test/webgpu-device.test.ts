/** The device of WebGPU in Node, where there is one; `webgpu.test.ts` says where there is none. */
import { expect, test } from 'vitest';
import { expectedSharing, obstacle, shareDevice } from './device-sharing.js';

const reason = await obstacle();

test.runIf(reason === undefined)('backends share a device, and the last one destroys it', async () => {
  await expect(shareDevice()).resolves.toEqual(expectedSharing);
});
