/** Small file operations are done at once while they are fast, and in the thread pool after a slow one. */

import { expect, it } from 'vitest';
import { FilePace } from '../store/file-pace.ts';

const pause = (ms: number) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

it('lets at most one of every 100 operations block, when all are slow', async () => {
  const pace = new FilePace();
  const ways: ('now' | 'later')[] = [];
  for (let i = 0; i < 303; i++) {
    await pace.run(
      () => {
        pause(2);
        ways.push('now');
      },
      async () => {
        ways.push('later');
      },
    );
  }
  expect(ways.filter((way) => way === 'now')).toHaveLength(3);
  expect([ways[0], ways[101], ways[202]]).toEqual(['now', 'now', 'now']);
});

it('counts a failed operation too, and passes its error on', async () => {
  const pace = new FilePace();
  const slowFailure = () => {
    pause(2);
    throw new Error('no such file');
  };
  await expect(pace.run(slowFailure, async () => {})).rejects.toThrow('no such file');
  expect(
    await pace.run(
      () => 'now',
      async () => 'later',
    ),
  ).toBe('later');
});
