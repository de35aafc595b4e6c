/**
 * The pages of `spineline board`: Bull Board over the queues, and in front of it what keeps it to those it is meant for.
 * Bull Board asks nobody who they are and lets a page retry, add and obliterate: neither is the default here.
 */

import type { AddressInfo } from 'node:net';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { HonoAdapter } from '@bull-board/hono';
import { createAdaptorServer } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { ConfigError } from '@spineline/shared/domain';
import type { Queues } from '@spineline/shared/queue';
import { Hono } from 'hono';
import { basicAuth } from 'hono/basic-auth';
import { csrf } from 'hono/csrf';
import { secureHeaders } from 'hono/secure-headers';
import { timeout } from 'hono/timeout';

/** Commands to a Redis that is away wait for it; a page should rather say that nothing comes. */
const ANSWER_MS = 10_000;

export interface BoardOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Whoever asks must know these; undefined lets everybody in, which only loopback may. */
  readonly login: { readonly username: string; readonly password: string } | undefined;
  readonly allowChanges: boolean;
}

export interface BoardServer {
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string;
  close(): Promise<void>;
}

/** An address that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/.test(host);
}

/** @throws {ConfigError} where it cannot listen, or would be open to everybody beyond this machine. */
export async function startBoard(queues: Queues, options: BoardOptions): Promise<BoardServer> {
  const { host, port, login } = options;
  if (!isLoopback(host) && !login) {
    throw new ConfigError(`the board asks for a password on ${host}, and there is none`, {
      expected: 'SPINELINE_BOARD_USER and SPINELINE_BOARD_PASSWORD, or --host 127.0.0.1',
    });
  }
  const server = createAdaptorServer({ fetch: boardApp(queues, options).fetch });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(
        new ConfigError(`the board cannot listen on ${host}, port ${port}`, {
          found: taken ? 'the port is taken' : error.message,
          hint: taken ? 'choose another with --port; 0 picks a free one' : 'choose others with --host and --port',
        }),
      );
    });
    server.listen(port, host, resolve);
  });
  const { address, port: bound, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
}

function boardApp(queues: Queues, { host, login, allowChanges }: BoardOptions): Hono {
  const app = new Hono();
  // For whoever starts the process again when it does not answer; it says nothing about the queues.
  app.get('/livez', (context) => context.text('ok\n'));
  app.use(
    secureHeaders({
      // Nothing is fetched from elsewhere: Bull Board's page asks a font server on the internet, which then knows of it.
      contentSecurityPolicy: {
        defaultSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        frameAncestors: ["'none'"],
      },
      strictTransportSecurity: false, // for the proxy to say that brings TLS
    }),
  );
  if (isLoopback(host)) {
    // A page elsewhere whose name was made to point here (DNS rebinding) asks with its own name as the host.
    app.use(async (context, next) => {
      if (isLoopback(new URL(context.req.url).hostname)) return next();
      return context.text('this board is for the machine that it runs on\n', 403);
    });
  }
  if (login) app.use(basicAuth({ ...login, realm: 'spineline board' }));
  if (allowChanges) app.use(csrf());
  else {
    app.use(async (context, next) => {
      if (['GET', 'HEAD'].includes(context.req.method)) return next();
      return context.json({ error: 'this board only shows; start it with --allow-changes to change something' }, 405);
    });
  }
  app.use('/api/*', timeout(ANSWER_MS));

  const adapter = new HonoAdapter(serveStatic);
  createBullBoard({
    queues: queues.raw.map(
      (queue) => new BullMQAdapter(queue, { readOnlyMode: !allowChanges, description: descriptionOf(queue.name) }),
    ),
    serverAdapter: adapter,
    options: {
      uiConfig: {
        boardTitle: 'spineline',
        hideDocsLink: true,
        environment: allowChanges
          ? { label: 'changes allowed', color: '#b45309', textColor: '#ffffff' }
          : { label: 'read-only', color: '#475569', textColor: '#ffffff' },
      },
    },
  });
  app.route('/', adapter.registerPlugin());
  return app;
}

function descriptionOf(queue: string): string {
  const [stage, pages] = queue.split('-');
  return pages ? `pages of datasets, to be unfolded into studies of ${stage}` : `studies at ${stage}`;
}
