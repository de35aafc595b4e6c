/** `spineline models`: which bundles there are, what is in one, and whether its files are whole. */

import { readSettings } from '@spineline/shared/config';
import {
  type Bundle,
  bundleDigest,
  findBundleFolders,
  listStoredBundles,
  membersOf,
  readBundleFolder,
  readBundleManifest,
  readStoredBundle,
  readStoredManifest,
} from '@spineline/shared/models';
import type { Command } from 'commander';
import { DEMO_BUNDLES, storedName } from '../bundles.ts';
import { withStore } from '../connections.ts';
import { counted, err, out, table } from '../terminal/style.ts';

interface StoreOption {
  readonly store?: string;
  readonly json?: boolean;
}

export function addModels(program: Command): void {
  const models = program
    .command('models')
    .description('model bundles: list, show, verify')
    .addHelpText(
      'after',
      `
A bundle is named bundle@version where it is in the store, or by its folder.

Examples:
  spineline models list
  spineline models show demo-stage3@0.1.0
  spineline models verify ./models/demo/stage1`,
    );
  models
    .command('list')
    .description('the bundles that come with spineline and those in the store')
    .option('--store <url>', 'object store (default: SPINELINE_STORE_URL)')
    .option('--json', 'print as JSON')
    .action(list);
  models
    .command('show')
    .description('a bundle’s manifest: inputs, members, crop windows, origin')
    .argument('<bundle>', 'bundle@version, or a folder')
    .option('--store <url>', 'object store (default: SPINELINE_STORE_URL)')
    .option('--json', 'print the manifest itself')
    .action(show);
  models
    .command('verify')
    .description('check every file of a bundle against its SHA-256')
    .argument('<bundle...>', 'bundle@version, or folders')
    .option('--store <url>', 'object store (default: SPINELINE_STORE_URL)')
    .action(verify);
}

async function list({ store, json }: StoreOption): Promise<void> {
  const found: { where: string; bundle: Bundle }[] = [];
  for (const folder of await findBundleFolders(DEMO_BUNDLES)) {
    found.push({ where: 'shipped', bundle: await readBundleManifest(folder) });
  }
  if (store ?? readSettings().storeUrl) {
    const stored = await withStore(({ store: opened }) => listStoredBundles(opened), store);
    found.push(...stored.map((bundle) => ({ where: 'store', bundle })));
  }
  if (json) {
    const rows = found.map(({ where, bundle }) => {
      const { name, version, stage, trained, notice } = bundle;
      return { where, name, version, stage, trained, notice, digest: bundleDigest(bundle) };
    });
    console.log(JSON.stringify(rows));
    return;
  }
  console.log(
    table(
      ['bundle', 'stage', 'trained', 'members', 'size', 'digest', 'where'],
      found.map(({ where, bundle }) => [
        `${bundle.name}@${bundle.version}`,
        String(bundle.stage),
        bundle.trained ? 'yes' : 'no',
        String(membersOf(bundle).length),
        megabytes(bundle),
        bundleDigest(bundle).slice(0, 12),
        where,
      ]),
    ),
  );
  for (const notice of new Set(found.map(({ bundle }) => bundle.notice).filter(Boolean))) console.log(out.warn(notice));
}

async function show(name: string, { store, json }: StoreOption): Promise<void> {
  const stored = storedName(name);
  const bundle = stored
    ? await withStore((side) => readStoredManifest(side.store, ...stored), store)
    : await readBundleManifest(name);
  if (json) {
    console.log(JSON.stringify(bundle, null, 2));
    return;
  }
  const { stage, trained, origin } = bundle;
  console.log(
    `${out.strong(`${bundle.name}@${bundle.version}`)}  stage ${stage}, ${trained ? 'trained' : 'not trained'}`,
  );
  console.log(`digest  ${bundleDigest(bundle)}`);
  console.log(`origin  ${origin.data}; commit ${origin.commit}; ${origin.created}`);
  for (const [metric, value] of Object.entries(origin.metrics)) console.log(`metric  ${metric}: ${value}`);
  console.log(inputLine(bundle));
  console.log();
  console.log(
    table(
      ['task', 'kind', 'weight', 'bytes', 'file', 'architecture'],
      membersOf(bundle).map(({ task, member }) => [
        task,
        member.kind,
        String(member.weight),
        String(member.bytes),
        member.file,
        member.architecture,
      ]),
    ),
  );
  if (bundle.stage === 3) {
    console.log(
      `\ncrops of ${bundle.crops.slices} slices, in a space of ${bundle.crops.space} x ${bundle.crops.space}`,
    );
    console.log(
      table(
        ['kind', 'side', 'levels', 'left', 'right', 'top', 'bottom', 'to (h x w)'],
        bundle.crops.windows.map(({ kind, side, levels, left, right, top, bottom, to }) => [
          kind,
          side,
          levels.join(' '),
          ...[left, right, top, bottom].map(String),
          to.join(' x '),
        ]),
      ),
    );
  }
  if (bundle.notice) console.log(`\n${out.warn(bundle.notice)}`);
}

async function verify(names: readonly string[], { store }: StoreOption): Promise<void> {
  for (const name of names) {
    const stored = storedName(name);
    const loaded = stored
      ? await withStore(async (side) => {
          const manifest = await readStoredManifest(side.store, ...stored);
          return readStoredBundle(side.store, { name: stored[0], version: stored[1], digest: bundleDigest(manifest) });
        }, store)
      : await readBundleFolder(name);
    const files = counted(loaded.files.size, 'file');
    console.log(`${out.good('whole')}  ${loaded.bundle.name}@${loaded.bundle.version}  ${files}  ${loaded.digest}`);
    if (loaded.bundle.notice) console.error(err.warn(loaded.bundle.notice));
  }
}

function megabytes(bundle: Bundle): string {
  const bytes = membersOf(bundle).reduce((sum, { member }) => sum + member.bytes, 0);
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function inputLine(bundle: Bundle): string {
  if (bundle.stage === 1) return `input   volume of ${bundle.input.slices} slices of ${bundle.input.size.join(' x ')}`;
  if (bundle.stage === 2) return `input   three slices of ${bundle.input.size.join(' x ')}`;
  return `input   crops of ${bundle.crops.slices} slices a view`;
}
