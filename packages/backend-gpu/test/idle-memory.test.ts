/** Memory that is used again. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdleMemory } from '../src/idle-memory.js';

const steps = fc.array(fc.record({ key: fc.integer({ min: 1, max: 4 }), gives: fc.boolean(), which: fc.nat(20) }), {
  maxLength: 200,
});

test('no piece is in use twice, and all together are at most twice what was in use at one time, and the spare ones', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const freed = new Set<object>();
      const alive = new Set<{ key: number }>();
      const idle = new IdleMemory<{ key: number }>(
        (piece) => {
          expect(freed.has(piece)).toBe(false);
          freed.add(piece);
          alive.delete(piece);
        },
        (key) => key,
        3,
      );
      const used: { key: number }[] = [];
      let most = 0;
      const sum = (pieces: Iterable<{ key: number }>): number => [...pieces].reduce((total, { key }) => total + key, 0);
      for (const { key, gives, which } of list) {
        if (gives && used.length > 0) {
          const [piece] = used.splice(which % used.length, 1);
          idle.put(piece.key, piece);
        } else {
          const piece = idle.take(key) ?? { key };
          expect([piece.key, used.includes(piece), freed.has(piece)]).toEqual([key, false, false]);
          alive.add(piece);
          used.push(piece);
        }
        most = Math.max(most, sum(used));
        expect(sum(alive)).toBeLessThanOrEqual(2 * most + 3);
      }
    }),
  );
});

test('what is given back is used again, the latest first, and twice given back it is there once', () => {
  const idle = new IdleMemory<{ name: string }>(
    () => {},
    () => 1,
  );
  const [a, b] = [{ name: 'a' }, { name: 'b' }];
  expect([idle.take(1), idle.take(1)]).toEqual([undefined, undefined]);
  for (const piece of [a, b, b]) idle.put(1, piece);
  expect([idle.take(1), idle.take(1), idle.take(1)]).toEqual([b, a, undefined]);
});
