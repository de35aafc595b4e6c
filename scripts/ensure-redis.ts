/** Finds a redis-server, or installs one where that is possible; otherwise says what to install. */

import { ensureRedisServer } from '../apps/producer/src/embedded/redis-server.ts';

try {
  ensureRedisServer((line) => console.error(`setting up: ${line}`));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(2);
}
