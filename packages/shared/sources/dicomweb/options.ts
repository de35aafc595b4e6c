/**
 * Options for DICOMweb servers. Types only, so that importing them does not load the client.
 */

export interface DicomWebOptions {
  /**
   * `https://host[:port]/path` of the server that the credentials below belong to. They are sent only there, so that a
   * manifest from somebody else cannot send them to another server.
   */
  readonly url?: string | undefined;
  /** Bearer token (RFC 6750); not together with a user. */
  readonly token?: string | undefined;
  /** Both or neither: basic authentication (RFC 7617). */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Both or neither: PEM files of a client certificate (with its chain) and of its key, without a passphrase. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** PEM file of trusted certificate authorities, instead of those that Node trusts. */
  readonly caFile?: string | undefined;
  /**
   * Send token or password over plain http to another machine too. Default false, since anybody on the network could
   * read them.
   */
  readonly plainCredentials?: boolean | undefined;
  /** Largest number of concurrent requests to all servers together; others wait. Default 8. */
  readonly requests?: number | undefined;
  /** Time limit for a silent connection, while it opens or is open, in ms; default 60 000. */
  readonly timeoutMs?: number | undefined;
  /** Attempts per request, including the first; default 4, with jittered exponential backoff. */
  readonly attempts?: number | undefined;
  /** Results to ask for per request of a search; default 200. */
  readonly pageSize?: number | undefined;
  /** Called before each retry. */
  readonly onRetry?: (() => void) | undefined;
}
