/** An object of the `file://` store is whole after its writer was killed. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { openStore } from '../store/index.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

it('has the old object or the new one after a writer was killed, and lists nothing else', async () => {
  const url = pathToFileURL(await temporaryFolder()).href;
  const store = await openStore(url);
  const size = 4_000_000;
  const program = `
    import { openStore } from ${JSON.stringify(import.meta.resolve('../store/index.ts'))};
    const store = await openStore(${JSON.stringify(url)});
    for (let i = 1; ; i++) {
      await store.put('k', new Uint8Array(${size}).fill(i % 250));
      console.log(i);
    }`;
  const writer = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void writer.kill('SIGKILL'));
  for await (const line of createInterface(writer.stdout)) if (Number(line) >= 5) break;
  const exited = once(writer, 'exit');
  writer.kill('SIGKILL');
  await exited;

  const bytes = await store.get('k');
  expect(bytes.byteLength).toBe(size);
  expect(bytes.every((byte) => byte === bytes[0])).toBe(true);
  expect((await Array.fromAsync(store.list(''))).map(({ key }) => key)).toEqual(['k']);
  await store.put('k', 'the next writer');
  expect((await store.head('k'))?.size).toBe(15);
});
