/** Copies of bundles with other bytes in their members, and a manifest that is right about them. */

import { createHash } from 'node:crypto';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEMO_BUNDLES } from '@spineline/shared/control';
import type { StageNumber } from '@spineline/shared/domain';
import { membersOf } from '@spineline/shared/models';
import { type BundleMember, parseBundle } from '../../../../packages/shared/models/bundle.ts';

/** The shipped bundle of a stage, where it lies. */
export function demoBundle(stage: StageNumber): string {
  return join(DEMO_BUNDLES, `stage${stage}`);
}

/**
 * Copies a bundle into a new folder.
 *
 * @param bundle its folder.
 * @param change gives a member's new bytes, or `undefined` to leave it.
 * @returns the folder.
 */
export async function copyBundle(
  bundle: string,
  folder: string,
  version: string,
  change: (task: string, member: BundleMember, bytes: Buffer) => Uint8Array | undefined,
): Promise<string> {
  await cp(bundle, folder, { recursive: true });
  const manifest = join(folder, 'bundle.json');
  const described = parseBundle(await readFile(manifest, 'utf8'), manifest);
  const members = new Map<string, BundleMember>();
  for (const { task, member } of membersOf(described)) {
    const file = join(folder, member.file);
    const bytes = change(task, member, await readFile(file));
    if (!bytes) continue;
    await rm(file);
    await writeFile(file, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    members.set(member.file, { ...member, sha256, bytes: bytes.byteLength });
  }
  const changed = { ...described, version };
  const text = JSON.stringify(changed, (_, value) => members.get(value?.file) ?? value, 2);
  await writeFile(manifest, `${text}\n`);
  return folder;
}

/** The same model with other bytes: protobuf takes a field that comes again, and ONNX's `doc_string` (6) means nothing. */
export function withRemark(model: Uint8Array): Uint8Array {
  return Buffer.concat([model, Buffer.from([0x32, 4]), Buffer.from('test')]);
}
