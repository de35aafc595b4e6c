/**
 * The pages of `spineline board`: Bull Board over the queues, with access control in front. Bull Board itself has no
 * login, and its pages may retry, add and delete jobs. Here the board is read-only by default, and asks for a password
 * unless it listens on loopback.
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

/** Commands wait for an unreachable Redis; a page should report an error instead. */
const ANSWER_MS = 10_000;

export interface BoardOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Login that every page asks for. `undefined`: no login, allowed on loopback only. */
  readonly login: { readonly username: string; readonly password: string } | undefined;
  readonly allowChanges: boolean;
}

export interface BoardServer {
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string;
  close(): Promise<void>;
}

/** An address that only this machine can reach. */
function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/.test(host);
}

/** @throws {ConfigError} if it cannot listen, or if other machines could use it without a login. */
export async function startBoard(queues: Queues, options: BoardOptions): Promise<BoardServer> {
  const { host, port, login } = options;
  if (!isLoopback(host) && !login) {
    throw new ConfigError(`the board needs a password to listen on ${host}`, {
      expected: 'SPINELINE_BOARD_USER and SPINELINE_BOARD_PASSWORD, or --host 127.0.0.1',
    });
  }
  const server = createAdaptorServer({ fetch: boardApp(queues, options).fetch });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(
        new ConfigError(`the board cannot listen on ${host}, port ${port}`, {
          found: taken ? 'the port is in use' : error.message,
          hint: taken ? 'choose another port with --port; 0 picks a free one' : 'choose others with --host and --port',
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
  // For a supervisor that restarts the process if it does not answer. Reveals nothing about the queues, so needs no
  // login.
  app.get('/livez', (context) => context.text('ok\n'));
  app.use(
    secureHeaders({
      // Load nothing from elsewhere: the page of Bull Board would load fonts from a server on the internet.
      contentSecurityPolicy: {
        defaultSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        frameAncestors: ["'none'"],
      },
      strictTransportSecurity: false, // left to the proxy that adds TLS
    }),
  );
  if (isLoopback(host)) {
    // DNS rebinding: a foreign page whose name resolves to this machine sends its own name as the host.
    app.use(async (context, next) => {
      if (isLoopback(new URL(context.req.url).hostname)) return next();
      return context.text('this board answers only requests to localhost\n', 403);
    });
  }
  if (login) app.use(basicAuth({ ...login, realm: 'spineline board' }));
  if (allowChanges) app.use(csrf());
  else {
    app.use(async (context, next) => {
      if (['GET', 'HEAD'].includes(context.req.method)) return next();
      return context.json({ error: 'this board is read-only; start it with --allow-changes to allow changes' }, 405);
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
  return pages ? `dataset pages that wait to be unfolded into study jobs of ${stage}` : `study jobs of ${stage}`;
}
