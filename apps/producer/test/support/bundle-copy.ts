/** Copies of the demo bundles with other bytes in their members, and a manifest that is right about them. */

import type { StageNumber } from '@spineline/shared/domain';
import { createHash } from 'node:crypto';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { membersOf } from '@spineline/shared/models';
import { type BundleMember, parseBundle } from '../../../../packages/shared/models/bundle.ts';

const DEMO = fileURLToPath(new URL('../../../../models/demo', import.meta.url));

/** The shipped bundle of a stage, where it lies. */
export function demoBundle(stage: StageNumber): string {
  return join(DEMO, `stage${stage}`);
}

/**
 * Copies a demo bundle into a new folder.
 *
 * @param change gives a member's new bytes, or `undefined` to leave it.
 * @returns the folder.
 */
export async function copyBundle(
  stage: StageNumber,
  folder: string,
  version: string,
  change: (task: string, member: BundleMember, bytes: Buffer) => Uint8Array | undefined,
): Promise<string> {
  await cp(demoBundle(stage), folder, { recursive: true });
  const manifest = join(folder, 'bundle.json');
  const bundle = parseBundle(await readFile(manifest, 'utf8'), manifest);
  const members = new Map<string, BundleMember>();
  for (const { task, member } of membersOf(bundle)) {
    const file = join(folder, member.file);
    const bytes = change(task, member, await readFile(file));
    if (!bytes) continue;
    await rm(file);
    await writeFile(file, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    members.set(member.file, { ...member, sha256, bytes: bytes.byteLength });
  }
  const changed = { ...bundle, version };
  const text = JSON.stringify(changed, (_, value) => members.get(value?.file) ?? value, 2);
  await writeFile(manifest, `${text}\n`);
  return folder;
}

/** The same model with other bytes: protobuf takes a field that comes again, and ONNX's `doc_string` (6) means nothing. */
export function withRemark(model: Uint8Array): Uint8Array {
  return Buffer.concat([model, Buffer.from([0x32, 4]), Buffer.from('test')]);
}
