/**
 * The HTTP endpoint of a process: `/livez` (the process works; 503 means that it should be restarted), `/readyz` (it
 * can take work) and `/metrics`. By default it listens on loopback only.
 */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The body of `/livez` and `/readyz`. `live` decides the status code of `/livez`, `ready` that of `/readyz`. */
export interface Health {
  readonly live: boolean;
  readonly ready: boolean;
  readonly [detail: string]: unknown;
}

export interface HealthServer {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string;
  close(): Promise<void>;
}

export async function startHealthServer(
  address: { readonly host: string; readonly port: number },
  registry: { readonly contentType: string; metrics(): Promise<string> },
  health: () => Health,
): Promise<HealthServer> {
  const server: Server = createServer(async (request, response) => {
    const reply = (status: number, type: string, body: string) => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
    };
    const path = request.url?.split('?')[0];
    try {
      if (path === '/livez' || path === '/readyz') {
        const state = health();
        const good = path === '/livez' ? state.live : state.ready;
        reply(good ? 200 : 503, 'application/json', `${JSON.stringify(state)}\n`);
      } else if (path === '/metrics') reply(200, registry.contentType, await registry.metrics());
      else reply(404, 'text/plain', 'not found; there are /livez, /readyz and /metrics\n');
    } catch {
      // A failed scrape must not stop the worker.
      if (!response.headersSent) reply(500, 'text/plain', 'error\n');
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, resolve);
  });
  const { address: host, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${host}]` : host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
