/**
 * A TCP proxy in front of a real server that simulates network faults. A change of the fault cuts open connections, so
 * that the client meets the new fault at its next request.
 */

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** What happens to a connection, or (with `times`) to that many connections before the proxy passes again. */
export type Fault =
  /** Everything goes through. */
  | { readonly kind: 'pass' }
  /** Connections are accepted, then nothing is forwarded in either direction. */
  | { readonly kind: 'hang'; readonly times?: number }
  /** Requests go through; the answer stops after `bytes` and the connection stays open. */
  | { readonly kind: 'stall'; readonly bytes: number; readonly times?: number }
  /** The answer stops after `bytes` with a TCP reset. */
  | { readonly kind: 'reset'; readonly bytes: number; readonly times?: number }
  /** The answer stops after `bytes` with an orderly close. */
  | { readonly kind: 'close'; readonly bytes: number; readonly times?: number }
  /** Requests are not forwarded; each connection is answered with this text. */
  | { readonly kind: 'answer'; readonly text: string; readonly times?: number };

export interface FaultProxy {
  /** The upstream's URL with the proxy's port. */
  readonly url: string;
  readonly port: number;
  /** Connections taken so far. */
  connections(): number;
  /** Bytes that clients sent so far. */
  received(): number;
  /** Resolves when the clients have noticed that their connections are cut: the next request makes a new one. */
  be(fault: Fault): Promise<void>;
  /** Keeps open connections open, but forwards nothing through them or through new ones until {@link thaw}. */
  freeze(): void;
  thaw(): void;
  /** Refuses connections until {@link listen}. */
  refuse(): Promise<void>;
  listen(): Promise<void>;
  stop(): Promise<void>;
}

const LONGEST_FAREWELL_MS = 1000;

/** @param upstream `scheme://host:port` of the real server. */
export async function startFaultProxy(upstream: string): Promise<FaultProxy> {
  const target = new URL(upstream);
  const sockets = new Set<Socket>();
  const clients = new Set<Socket>();
  let fault: Fault = { kind: 'pass' };
  let left = Number.POSITIVE_INFINITY;
  let connections = 0;
  let received = 0;
  let frozen = false;

  const server = createServer((client) => {
    connections++;
    const current: Fault = left > 0 ? fault : { kind: 'pass' };
    left--;
    keep(client);
    clients.add(client);
    client.on('close', () => clients.delete(client));
    client.on('data', (chunk) => {
      received += chunk.byteLength;
    });
    if (current.kind === 'hang') return;
    if (current.kind === 'answer') {
      client.once('data', () => client.end(current.text));
      return;
    }
    const server = keep(connect(Number(target.port), target.hostname));
    client.pipe(server);
    client.on('close', () => server.destroy());
    server.on('close', () => {
      if (current.kind !== 'stall') client.end();
    });
    if (current.kind === 'pass') server.pipe(client);
    else forwardUntil(server, client, current);
    if (frozen) for (const side of [client, server]) side.pause();
  });

  function keep(socket: Socket): Socket {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {}); // the other side sees it as a close
    return socket;
  }

  /** An orderly close is over when the client has closed too; a client that does not is cut off. */
  async function cut(): Promise<void> {
    const noticed = [...clients].map(async (client) => {
      const closed = once(client, 'close');
      client.setTimeout(LONGEST_FAREWELL_MS, () => client.destroy());
      client.resume().end();
      await closed;
    });
    await Promise.all(noticed);
    for (const socket of sockets) socket.destroy();
  }

  let port = 0;
  const listen = async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address !== null && typeof address === 'object') port = address.port;
  };
  const refuse = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    await cut();
    await closed;
  };
  await listen();
  return {
    url: `${target.protocol}//127.0.0.1:${port}`,
    port,
    connections: () => connections,
    received: () => received,
    async be(next) {
      fault = next;
      left = 'times' in next && next.times !== undefined ? next.times : Number.POSITIVE_INFINITY;
      await cut();
    },
    freeze() {
      frozen = true;
      for (const socket of sockets) socket.pause();
    },
    thaw() {
      frozen = false;
      for (const socket of sockets) socket.resume();
    },
    refuse,
    listen,
    stop: refuse,
  };
}

function forwardUntil(server: Socket, client: Socket, fault: Extract<Fault, { readonly bytes: number }>): void {
  let left = fault.bytes;
  server.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, left);
    left -= part.byteLength;
    if (left > 0) {
      client.write(part);
      return;
    }
    server.removeAllListeners('data').resume();
    client.write(part, () => {
      if (fault.kind === 'reset') client.resetAndDestroy();
      if (fault.kind === 'close') client.end();
    });
  });
}
