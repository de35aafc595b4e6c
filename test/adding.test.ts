/** docs/adding.md names files that exist. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
/** What a recipe creates. */
const NEW = new Set(['apps/worker-stage4']);

it('docs/adding.md names files and folders that exist', async () => {
  const text = (await readFile(`${root}docs/adding.md`, 'utf8')).replace(/<!-- stage4 -->.*<!-- \/stage4 -->/s, '');
  const named = [
    ...text.matchAll(/`([\w./-]+(?:\/[\w.-]*|\.(?:ts|md|yml|yaml|json)|\.env\.example))`|`(Dockerfile)`/g),
  ].map(([, path, other]) => path ?? other!);
  expect(named.length).toBeGreaterThan(40);
  expect(named.filter((path) => !NEW.has(path) && !existsSync(root + path))).toEqual([]);
});
