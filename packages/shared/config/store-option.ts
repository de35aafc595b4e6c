/** `--store URL` for a line that a reader copies into a shell: without it a command looks in SPINELINE_STORE_URL. */

/** @param url as it was given by option or is the embedded run's own; `undefined` where the setting names the store. */
export function storeOption(url: string | undefined): string {
  return url === undefined ? '' : ` --store ${quoted(url)}`;
}

/** As a POSIX shell takes it for one word. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
