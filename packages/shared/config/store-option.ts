/** Parts of a line that a reader copies into a shell. */

/**
 * `--store URL`: without it a command looks in SPINELINE_STORE_URL.
 *
 * @param url given by an option, or that of the embedded run; `undefined` if the setting names the store.
 */
export function storeOption(url: string | undefined): string {
  return url === undefined ? '' : ` --store ${quoted(url)}`;
}

/** Quoted so that a POSIX shell reads it as one word. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
