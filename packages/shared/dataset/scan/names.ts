/**
 * What a name alone says: files and folders that operating systems, archives and viewers leave behind are never opened,
 * and a name that ends like DICOM's is expected to hold some. Everything else is known by its content.
 */

/** In lower case. */
const LEFT_BEHIND: ReadonlySet<string> = new Set([
  '__macosx',
  '@eadir',
  '#recycle',
  'lost+found',
  '$recycle.bin',
  'recycler',
  'system volume information',
  'thumbs.db',
  'ehthumbs.db',
  'desktop.ini',
]);

/** Why a file or folder is not looked into, by its own name; `undefined` if it is. */
export function junkOfName(name: string): 'hidden' | 'left_behind' | undefined {
  if (LEFT_BEHIND.has(name.toLowerCase())) return 'left_behind';
  return name.startsWith('.') ? 'hidden' : undefined;
}

/** The same of a path with slashes, by any of its parts. An empty part is the end of a folder's own marker object. */
export function junkOfPath(path: string): 'hidden' | 'left_behind' | undefined {
  for (const part of path.split('/')) {
    const junk = junkOfName(part);
    if (junk !== undefined) return junk;
  }
  return undefined;
}

/** Whether a file says by its name that it is DICOM: if its content is not, something was lost. */
export function isNamedDicom(name: string): boolean {
  return /\.(dcm|dcm30|dicom|dic|ima|mrdcm)$/i.test(name);
}

/** Whether a name ends like another kind of file; a last part of digits is a piece of a UID or a number. */
export function hasForeignExtension(name: string): boolean {
  return !isNamedDicom(name) && /\.[A-Za-z][A-Za-z0-9_-]*$/.test(name);
}

/** The index of a file set (PS3.10 section 8.6), which names images and holds none. */
export function isDicomdirName(name: string): boolean {
  return /^dicomdir$/i.test(name);
}
