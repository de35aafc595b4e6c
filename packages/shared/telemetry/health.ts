/**
 * The HTTP endpoint of a process: `/livez` (it does its work; 503: it should be started anew), `/readyz` (it can take work)
 * and `/metrics`. Bound to loopback unless told otherwise.
 */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the process says of itself; `live` decides the status of `/livez`, `ready` that of `/readyz`. */
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
      else reply(404, 'text/plain', 'here are /livez, /readyz and /metrics\n');
    } catch {
      // A scrape that fails must not take the worker down with it.
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
