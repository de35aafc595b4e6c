/**
 * A small HTTP server for one test, on loopback, with answers from the test. It records requests.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import { onTestFinished } from 'vitest';

export interface WebServer {
  /** `http://127.0.0.1:port`, or https. */
  readonly origin: string;
  readonly asked: { readonly path: string; readonly headers: IncomingMessage['headers'] }[];
  stop(): Promise<void>;
}

export type WebAnswer = (request: IncomingMessage, response: ServerResponse, place: number) => unknown;

/** Call within a test. @param answer gets the number of the request, from 1. @param tls makes it an https server. */
export async function startWebServer(answer: WebAnswer, tls?: ServerOptions): Promise<WebServer> {
  const asked: WebServer['asked'] = [];
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    asked.push({ path: request.url ?? '', headers: request.headers });
    answer(request, response, asked.length);
  };
  const server = tls ? createSecureServer(tls, listener) : createServer(listener);
  server.on('tlsClientError', () => {}); // the client reports it
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  const stop = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  onTestFinished(stop);
  return { origin: `${tls ? 'https' : 'http'}://127.0.0.1:${address.port}`, asked, stop };
}
