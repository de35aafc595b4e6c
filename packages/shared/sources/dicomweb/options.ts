/**
 * How to reach DICOMweb servers. Types only, so that naming an option does not load the client.
 */

export interface DicomWebOptions {
  /**
   * `https://host[:port]/path` of the server that the credentials below belong to. They are sent there and nowhere else:
   * a manifest that somebody else wrote cannot have them sent to a server of his.
   */
  readonly url?: string | undefined;
  /** Bearer token (RFC 6750); not together with a user. */
  readonly token?: string | undefined;
  /** Both or neither: basic authentication (RFC 7617). */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Both or neither: PEM files of a client certificate (with its chain) and of its key, which has no passphrase. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** PEM file of the authorities that vouch for servers, in place of those that Node knows. */
  readonly caFile?: string | undefined;
  /** Send token or password also over plain http to another machine. Default false: everybody on the way can read them. */
  readonly plainCredentials?: boolean | undefined;
  /** Requests at once, all servers together; more wait their turn. Default 8. */
  readonly requests?: number | undefined;
  /** The longest silence, on a connection that opens or on an open one, in ms; default 60 000. */
  readonly timeoutMs?: number | undefined;
  /** Tries of each request, the first included; default 4, with jittered exponential backoff between them. */
  readonly attempts?: number | undefined;
  /** Results of a search that are asked for at once; default 200. */
  readonly pageSize?: number | undefined;
  /** Called before a request is tried again. */
  readonly onRetry?: (() => void) | undefined;
}
