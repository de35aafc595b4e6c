/**
 * Free TCP ports on loopback for test servers.
 */

import { createServer, type Server } from 'node:net';

/** A port that is free now. Another process may take it before the caller does. */
export async function freePort(): Promise<number> {
  const server = await listen(0);
  if (!server) throw new Error('no free port on 127.0.0.1');
  const address = server.address();
  await close(server);
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}

export interface PortRange {
  readonly first: number;
  /** Releases the range. */
  release(): Promise<void>;
}

/**
 * Reserves `count` consecutive free ports. No other caller, in this process or another, gets them until they are
 * released: a server listens on the port before them as a lock, which the system releases when the process ends. The
 * ports are below the ephemeral ports, so that no outgoing connection uses one.
 */
export async function reservePorts(count: number): Promise<PortRange> {
  const step = count + 1;
  const slots = Math.floor((32_000 - 20_000) / step);
  for (let tries = 0; tries < 100; tries++) {
    const lockPort = 20_000 + step * Math.floor(Math.random() * slots);
    const lock = await listen(lockPort);
    if (!lock) continue;
    const servers = await Promise.all(Array.from({ length: count }, (_, i) => listen(lockPort + 1 + i)));
    await Promise.all(servers.map((server) => server && close(server)));
    if (servers.every(Boolean)) {
      lock.unref();
      return { first: lockPort + 1, release: () => close(lock) };
    }
    await close(lock);
  }
  throw new Error(`no ${count} neighbouring free ports on 127.0.0.1`);
}

function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
