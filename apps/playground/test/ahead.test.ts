import { expect, test } from 'vitest';
import { Ahead } from '../web/src/experiment/ahead.ts';

/** Begins so many steps as may be, then waits for them, as often as given: the longest wait. */
function longestWait(ahead: Ahead, millisecondsOfStep: number, reads: number): number {
  let longest = 0;
  for (let i = 0; i < reads; i++) {
    const wait = ahead.steps * millisecondsOfStep;
    ahead.waited(wait);
    longest = Math.max(longest, wait);
  }
  return longest;
}

test('a slow device is never more than a step behind; on a fast one many steps go on unread', () => {
  expect(longestWait(new Ahead(), 400, 20)).toBe(400);
  expect(longestWait(new Ahead(), 30, 20)).toBeLessThanOrEqual(100);
  const fast = new Ahead();
  expect(longestWait(fast, 0.1, 20)).toBeLessThan(25);
  expect(fast.steps).toBe(64);
});

test('a device that becomes slow, as when another page uses it, is soon less behind', () => {
  const ahead = new Ahead();
  longestWait(ahead, 0.1, 20);
  longestWait(ahead, 200, 7);
  expect(ahead.steps).toBe(1);
});
