/** Finding repeated ids in a large manifest, and locations without resolving paths: both as the plain way does it. */

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FirstLines } from '../dataset/first-lines.ts';
import { locationOf } from '../dataset/study-plan.ts';

describe('first lines of ids', () => {
  it('are those of a map, while the table grows', () => {
    const lines = new FirstLines();
    const map = new Map<string, number>();
    for (let line = 1; line <= 20_000; line++) {
      const id = `study-${(line * 7919) % 15_013}`;
      expect(lines.add(id, line)).toBe(map.get(id));
      if (!map.has(id)) map.set(id, line);
    }
    expect(map.size).toBe(15_013);
  });
});

describe('the location of a path', () => {
  it('is that of the resolved path, whether it needs encoding or not', () => {
    const names = [
      'a',
      'A-1_b.c',
      '.hidden',
      '.',
      '..',
      '',
      'a b',
      'ä',
      '%41',
      'x#y',
      'x?y',
      'a\\b',
      '~',
      '1.2.840',
      "'",
      '|',
    ];
    const paths = names.flatMap((first) => names.map((second) => `${first}/${second}`));
    for (const path of [...names, ...paths, ...paths.map((one) => `/${one}`), 'a/b/', '/a/b/', 'a//b', '/a//']) {
      for (const base of ['/data', '/data/', '/da ta', '/', 'relative']) {
        const resolved = pathToFileURL(resolve(base, path)).href;
        const expected = path.endsWith('/') && !resolved.endsWith('/') ? `${resolved}/` : resolved;
        expect(locationOf(path, base), `${path} in ${base}`).toEqual({ location: expected });
      }
    }
  });
});
