/** What error codes of the file system mean for an object: absent, not allowed, or worth a retry. */

import { ObjectNotFoundError, SpinelineError, StoreUnavailableError, withoutUids } from '../domain/index.ts';

/** The `code` of a Node system error, or `undefined` for anything else. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** True if there is no file at the path: no entry, a file in place of a parent folder, or a folder. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(systemCode(error) ?? '');
}

const TRANSIENT: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space, or move the store',
  EDQUOT: 'the disk quota is used up: free some space, or move the store',
  EMFILE: 'too many open files in this process: raise the limit (ulimit -n)',
  ENFILE: 'too many open files on this machine',
  EIO: 'the disk or network file system failed to read or write',
  ESTALE: 'the network file system lost this file handle',
  ETIMEDOUT: 'the network file system did not answer',
  EAGAIN: 'the file system asked for a retry',
  EBUSY: 'the file is busy',
};

/**
 * The error to throw for a failed file operation. Returns errors other than system errors unchanged.
 *
 * @param doing the operation, such as "read" or "write"
 * @param place the key or location of the object; UIDs in it do not appear in the message
 */
export function fileFault(error: unknown, doing: string, place: string): unknown {
  const name = withoutUids(place);
  const code = systemCode(error);
  if (code === undefined || error instanceof SpinelineError) return error;
  if (doing === 'read' && isAbsent(error)) return new ObjectNotFoundError(name, { cause: error });
  const hint = TRANSIENT[code];
  if (hint) return new StoreUnavailableError(`cannot ${doing} ${name}`, { found: code, hint }, { cause: error });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new SpinelineError(
      'OBJECT_ACCESS_DENIED',
      'permanent',
      `cannot ${doing} it`,
      { file: name, found: code, hint: 'give this user the permission, or run as a user who has it' },
      { cause: error },
    );
  }
  if (code === 'EISDIR' || code === 'ENOTDIR' || code === 'EEXIST' || code === 'ENOTEMPTY') {
    return new SpinelineError(
      'STORE_KEY_CONFLICT',
      'permanent',
      `cannot ${doing} ${name}`,
      { found: code, hint: 'an object and a folder cannot have the same name in a file:// store' },
      { cause: error },
    );
  }
  return new SpinelineError(
    'STORE_FILE_FAILED',
    'permanent',
    `cannot ${doing} ${name}`,
    { found: code },
    { cause: error },
  );
}
