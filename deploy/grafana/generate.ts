/** The dashboards as the JSON that Grafana reads. `npm run dashboards` writes them; a test checks that they are up to date. */

import { writeFile } from 'node:fs/promises';
import { pools } from './dashboards/pools.ts';
import { storeAndQueue } from './dashboards/store-and-queue.ts';
import { tonight } from './dashboards/tonight.ts';

const json = (dashboard: object) => `${JSON.stringify(dashboard, null, 2)}\n`;

/** Each dashboard by the name of its file in `generated/`. */
export const dashboards: Readonly<Record<string, string>> = {
  'tonight.json': json(tonight.build()),
  'pools.json': json(pools.build()),
  'store-and-queue.json': json(storeAndQueue.build()),
};

if (import.meta.main) {
  for (const [file, text] of Object.entries(dashboards)) {
    await writeFile(new URL(`generated/${file}`, import.meta.url), text);
  }
}
