/** Lines that a reader copies into a shell: the store in them is one word there, whatever its folder is called. */

import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { storeOption } from '../config/index.ts';

describe('the store of a line to copy', () => {
  it('is left out where a setting names it', () => {
    expect(storeOption(undefined)).toBe('');
  });

  it.each([
    'file:///out/store',
    's3://bucket/a-prefix/',
    'file:///a%20b/store',
    "file:///it's/$HOME/`x`",
    'file:///a b(1)&;*',
  ])('is one word of a shell: %s', (url) => {
    const words = execFileSync('sh', ['-c', `printf '%s\\n'${storeOption(url)}`], { encoding: 'utf8' });
    expect(words.trimEnd().split('\n')).toEqual(['--store', url]);
  });

  it('is not quoted where it need not be', () => {
    expect(storeOption('file:///out/store')).toBe(' --store file:///out/store');
  });
});
