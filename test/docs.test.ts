/** The docs against the code: generated tables, the README's table of dependencies, and links between files. */

import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { docTables, withTable } from '../scripts/doc-tables.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFile(join(root, file), 'utf8');

it.each(docTables())('$file has the table of $name that the code generates (else: npm run docs)', async (table) => {
  const text = await read(table.file);
  expect(text).toBe(withTable(text, table));
});

it('README.md says why each dependency is there, and lists no other', async () => {
  const used = new Set<string>();
  for await (const file of glob(['package.json', '{apps,packages}/*/package.json'], { cwd: root })) {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(await read(file));
    for (const name of [...Object.keys(dependencies), ...Object.keys(devDependencies)]) {
      if (!name.startsWith('@spineline/')) used.add(name);
    }
  }
  const [, section] = (await read('README.md')).split('## Dependencies');
  const rows = section!.split('\n## ')[0]!.matchAll(/^\| (`[^|]+) \|/gm);
  const explained = [...rows].flatMap(([, names]) => [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
  expect(explained.sort()).toEqual([...used].sort());
});

it('links to files that exist', async () => {
  const broken: string[] = [];
  for await (const file of glob(['*.md', 'docs/**/*.md', 'bench/*.md', 'training/*.md'], { cwd: root })) {
    for (const [, target] of (await read(file)).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (!/^[a-z]+:/.test(target!) && !existsSync(join(root, dirname(file), target!)))
        broken.push(`${file}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});
