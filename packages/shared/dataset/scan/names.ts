/**
 * Rules for names. Files and folders that operating systems, archives and viewers create are never opened, and a file
 * with a DICOM extension is expected to be DICOM. Everything else is decided by content.
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

/** Why a file or folder is skipped because of its name; `undefined` if it is not. */
export function junkOfName(name: string): 'hidden' | 'left_behind' | undefined {
  if (LEFT_BEHIND.has(name.toLowerCase())) return 'left_behind';
  return name.startsWith('.') ? 'hidden' : undefined;
}

/** As {@link junkOfName}, for any part of a path with slashes. An empty part is the end of a folder's marker object. */
export function junkOfPath(path: string): 'hidden' | 'left_behind' | undefined {
  for (const part of path.split('/')) {
    const junk = junkOfName(part);
    if (junk !== undefined) return junk;
  }
  return undefined;
}

/** Whether a file has a DICOM extension. If its content is not DICOM, it counts as damaged. */
export function isNamedDicom(name: string): boolean {
  return /\.(dcm|dcm30|dicom|dic|ima|mrdcm)$/i.test(name);
}

/** Whether a name has the extension of another format. Digits after the last dot are part of a UID or a number. */
export function hasForeignExtension(name: string): boolean {
  return !isNamedDicom(name) && /\.[A-Za-z][A-Za-z0-9_-]*$/.test(name);
}

/** Whether it is the index of a file set (PS3.10 section 8.6), which lists images but holds none. */
export function isDicomdirName(name: string): boolean {
  return /^dicomdir$/i.test(name);
}
