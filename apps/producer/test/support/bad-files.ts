/** What goes wrong with files in real archives, done to generated ones. */

import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Cuts a file in the middle of its pixels. */
export async function cutInHalf(file: string): Promise<void> {
  await truncate(file, Math.floor((await readFile(file)).byteLength / 2));
}

/** Overwrites every file below a folder with what is not DICOM. */
export async function overwriteAll(folder: string): Promise<void> {
  for (const file of await filesBelow(folder)) await writeFile(file, `not an image: ${'?'.repeat(2000)}`);
}

/** Takes a series away, with its line in the descriptions. */
export async function removeSeries(dataset: string, study: string, series: string): Promise<void> {
  await rm(join(dataset, 'train_images', study, series), { recursive: true });
  for (const half of ['train', 'test']) {
    const csv = join(dataset, `${half}_series_descriptions.csv`);
    const lines = (await readFile(csv, 'utf8')).split('\n');
    await writeFile(csv, lines.filter((line) => !line.startsWith(`${study},${series},`)).join('\n'));
  }
}

/**
 * Gives every file the name and the id of a patient that occur nowhere else: same length, other letters, so that no
 * other byte changes. @returns what must not be found anywhere.
 */
export async function plantPatient(folder: string): Promise<string[]> {
  const name = 'Quillfeather^Zeb.';
  const planted = new Set<string>();
  for (const file of await filesBelow(folder)) {
    const text = (await readFile(file)).toString('latin1');
    const named = text.replace('Phantom^Synthetic', name);
    // (0010,0020) PatientID, VR LO, explicit little endian: two bytes of length, then the value.
    const at = named.indexOf('\x10\x00\x20\x00LO');
    if (at < 0 || named === text) throw new Error(`${file} has no patient to replace`);
    const length = named.charCodeAt(at + 6) + 256 * named.charCodeAt(at + 7);
    const id = 'XQ7'.repeat(length).slice(0, length);
    planted.add(id);
    await writeFile(file, Buffer.from(named.slice(0, at + 8) + id + named.slice(at + 8 + length), 'latin1'));
  }
  return [name.slice(0, 12), ...planted];
}

/** Paths of all files below a folder. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
