/**
 * `spineline models`: pushes model bundles into the store, promotes them for new runs, lists, shows and verifies them.
 */

import { readSettings, storeOption } from '@spineline/shared/config';
import { DEMO_BUNDLES, storedName } from '@spineline/shared/control';
import {
  BundleError,
  ConfigError,
  type StageNumber,
  STAGE_NUMBERS,
  counted,
  STAGES,
  STAGE_NAMES,
} from '@spineline/shared/domain';
import {
  type Bundle,
  bundleDigest,
  demoteStage,
  findBundleFolders,
  type LoadedBundle,
  listStoredBundles,
  listStoredNames,
  membersOf,
  mendBundle,
  type Promotion,
  promoteBundle,
  pushBundle,
  readBundleFolder,
  readBundleManifest,
  readPromotion,
  readStoredBundle,
  readStoredManifest,
} from '@spineline/shared/models';
import { bundleKey, type ObjectStore } from '@spineline/shared/store';
import type { Command } from 'commander';
import { withStore } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { err, out, table } from '../terminal/style.ts';

interface StoreOption {
  readonly store?: string;
  readonly json?: boolean;
}

const STORE = ['--store <url>', 'object store (default: SPINELINE_STORE_URL)'] as const;

export function addModels(program: Command): void {
  const models = program
    .command('models')
    .description('manage model bundles: push, promote, demote, list, show, verify')
    .addHelpText(
      'after',
      `
A bundle in the store has a name bundle@version; a bundle outside the store is named by its folder.

Without --models, a new run uses for each stage the bundle that is promoted in its store, else the demo bundle that
comes with spineline. A run pins digests when it is made, so push and promote change nothing in runs that exist.

To use new models:
  spineline models push bundles/ours/stage3                                     push them into the store
  spineline enqueue trial.jsonl --run trial --models stage3=ours-stage3@1.1.0   use them in one run
  spineline models promote ours-stage3@1.1.0                                    use them in all new runs
To go back:
  spineline models promote ours-stage3@1.0.0                                    to an earlier version
  spineline models demote stage3                                                to the demo bundle

To see which bundles there are and to check them:
  spineline models list
  spineline models show demo-stage3@0.2.0
  spineline models verify --all`,
    );
  models
    .command('push')
    .description('check bundle folders and put them into the store')
    .argument('<dir...>', 'folders with a bundle.json')
    .option(...STORE)
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
All folders are checked first. If a file does not have the SHA-256 in its manifest, nothing is put into the store. The
manifest of a bundle is written last. Pushing a stored bundle again only repairs members that are damaged in the store.
A different bundle with the name and version of a stored one is refused: give it a new version.

Example:
  spineline models push bundles/ours/stage1 bundles/ours/stage2 bundles/ours/stage3`,
    )
    .action(push);
  models
    .command('promote')
    .description('make new runs use a stored bundle for its stage')
    .argument('<bundle@version...>', 'bundles in the store')
    .option(...STORE)
    .option('--json', 'print the new promotion records as JSON')
    .addHelpText(
      'after',
      `
Checks every byte of the bundle first, and prints the bundle that was promoted before. To go back, promote that one.

Example:
  spineline models promote ours-stage1@1.0.0 ours-stage2@1.0.0 ours-stage3@1.0.0`,
    )
    .action(promote);
  models
    .command('demote')
    .description('make new runs use the demo bundle of a stage again')
    .argument('<stageN...>', STAGE_NAMES.join(', '))
    .option(...STORE)
    .option('--json', 'print the new promotion records as JSON')
    .action(demote);
  models
    .command('list')
    .description('list the demo bundles and the bundles in the store, and which of them new runs use')
    .option(...STORE)
    .option('--json', 'print as JSON')
    .action(list);
  models
    .command('show')
    .description('show the manifest of a bundle: inputs, members, crop windows, origin')
    .argument('<bundle>', 'bundle@version, or a folder')
    .option(...STORE)
    .option('--json', 'print bundle.json itself')
    .action(show);
  models
    .command('verify')
    .description('check every file of a bundle against its SHA-256')
    .argument('[bundle...]', 'bundle@version, or folders')
    .option('--all', 'every bundle in the store')
    .option(...STORE)
    .addHelpText('after', '\nChecks all bundles, also after a damaged one. Exit code 2 if at least one is damaged.')
    .action(verify);
}

async function push(folders: readonly string[], { store, json }: StoreOption): Promise<void> {
  const loaded: LoadedBundle[] = [];
  for (const folder of folders) loaded.push(await readBundleFolder(folder));
  await withStore(async (side) => {
    const pushed: { bundle: Bundle; digest: string; was: string; mended: string[] }[] = [];
    for (const one of loaded) {
      const { bundle, digest } = one;
      const there = await side.store.head(bundleKey(bundle.name, bundle.version));
      await pushBundle(side.store, one);
      const mended = there ? await mendBundle(side.store, one) : [];
      pushed.push({ bundle, digest, was: there ? 'there' : 'new', mended });
    }
    if (json) {
      console.log(
        JSON.stringify(
          pushed.map(({ bundle: { name, version, stage, notice }, ...rest }) => ({
            ...{ name, version, stage, notice },
            ...rest,
          })),
        ),
      );
      return;
    }
    for (const { bundle, digest, was, mended } of pushed) {
      const what =
        was === 'new'
          ? out.good('pushed')
          : mended.length > 0
            ? out.warn('repaired')
            : out.faint('already in the store');
      console.log(`${what}  ${out.strong(nameOf(bundle))}  stage ${bundle.stage}  ${digest}`);
      if (mended.length > 0) console.log(`  written again: ${mended.join(', ')}`);
    }
    const names = pushed.map(({ bundle }) => nameOf(bundle));
    const choices = pushed.map(({ bundle }) => `--models stage${bundle.stage}=${nameOf(bundle)}`);
    console.log(
      `\nto use ${names.length > 1 ? 'them' : 'it'} in one run:       spineline enqueue DATASET --run NAME ${choices.join(' ')}`,
    );
    console.log(`in all new runs:  spineline models promote ${names.join(' ')}${storeOption(store)}`);
    for (const notice of new Set(pushed.map(({ bundle }) => bundle.notice).filter(Boolean))) {
      console.error(err.warn(notice));
    }
  }, store);
}

async function promote(names: readonly string[], { store, json }: StoreOption): Promise<void> {
  const bundles = names.map((name) => {
    const stored = storedName(name);
    if (stored) return stored;
    throw new ConfigError(`${name} is not the name of a stored bundle`, {
      expected: 'bundle@version',
      hint: 'to put a folder into the store: spineline models push FOLDER',
    });
  });
  await withStore(async (side) => {
    const promotions: Promotion[] = [];
    for (const [name, version] of bundles) {
      const { bundle, promotion } = await promoteBundle(side.store, name, version);
      promotions.push(promotion);
      if (json) continue;
      console.log(
        `${out.good('promoted')}  ${out.strong(nameOf(bundle))}  stage ${bundle.stage}  ${bundleDigest(bundle)}`,
      );
      printBefore(promotion, store);
      if (bundle.notice) console.error(err.warn(bundle.notice));
    }
    if (json) console.log(JSON.stringify(promotions));
    else console.log(out.faint('existing runs keep the bundles that they pinned'));
  }, store);
}

async function demote(names: readonly string[], { store, json }: StoreOption): Promise<void> {
  const stages = names.map((name) => {
    const stage = STAGE_NAMES.find((one) => name === one);
    if (!stage) throw new ConfigError(`${name} is not a stage`, { expected: STAGE_NAMES.join(', ') });
    return STAGES[stage].number;
  });
  await withStore(async (side) => {
    const promotions: Promotion[] = [];
    for (const stage of stages) {
      const promotion = await demoteStage(side.store, stage);
      promotions.push(promotion);
      if (json) continue;
      console.log(`stage ${stage}: new runs use the demo bundle`);
      printBefore(promotion, store);
    }
    if (json) console.log(JSON.stringify(promotions));
  }, store);
}

/** Prints the bundle that was promoted before, and the command to go back to it. */
function printBefore({ history }: Promotion, store: string | undefined): void {
  const [before] = history;
  if (!before) return;
  console.log(
    out.faint(
      `  before: ${nameOf(before)}, since ${before.promoted}; to go back: spineline models promote ${nameOf(before)}${storeOption(store)}`,
    ),
  );
}

/** A bundle, where it is, and whether new runs use it. */
interface Found {
  readonly where: 'shipped' | 'store';
  readonly bundle: Bundle;
  /** When it was promoted; null if it is not. */
  readonly promoted: string | null;
  readonly usedByNewRuns: boolean;
}

async function list({ store, json }: StoreOption): Promise<void> {
  const found = await findBundles(store);
  if (json) {
    const rows = found.map(({ where, bundle, promoted, usedByNewRuns }) => {
      const { name, version, stage, trained, notice } = bundle;
      return { where, name, version, stage, trained, notice, digest: bundleDigest(bundle), promoted, usedByNewRuns };
    });
    console.log(JSON.stringify(rows));
    return;
  }
  console.log(
    table(
      ['bundle', 'stage', 'trained', 'members', 'size', 'digest', 'where', 'new runs use it'],
      found.map(({ where, bundle, promoted, usedByNewRuns }) => [
        nameOf(bundle),
        String(bundle.stage),
        bundle.trained ? 'yes' : 'no',
        String(membersOf(bundle).length),
        megabytes(bundle),
        bundleDigest(bundle).slice(0, 12),
        where,
        promoted ? `promoted ${promoted.slice(0, 16).replace('T', ' ')}` : usedByNewRuns ? 'by default' : '',
      ]),
    ),
  );
  for (const notice of new Set(found.map(({ bundle }) => bundle.notice).filter(Boolean))) console.log(out.warn(notice));
}

async function findBundles(storeUrl: string | undefined): Promise<Found[]> {
  const shipped: Bundle[] = [];
  for (const folder of await findBundleFolders(DEMO_BUNDLES)) shipped.push(await readBundleManifest(folder));
  const { stored, promotions } =
    (storeUrl ?? readSettings().storeUrl)
      ? await withStore(async (side) => {
          const read = STAGE_NUMBERS.map((stage) => readPromotion(side.store, stage));
          return { stored: await listStoredBundles(side.store), promotions: await Promise.all(read) };
        }, storeUrl)
      : { stored: [], promotions: [] };
  const currentOf = (stage: StageNumber) => promotions.find((one) => one.stage === stage)?.current ?? null;
  return [
    ...shipped.map((bundle): Found => {
      return { where: 'shipped', bundle, promoted: null, usedByNewRuns: currentOf(bundle.stage) === null };
    }),
    ...stored.map((bundle): Found => {
      const current = currentOf(bundle.stage);
      const used = current !== null && nameOf(current) === nameOf(bundle) && current.digest === bundleDigest(bundle);
      return { where: 'store', bundle, promoted: used ? current.promoted : null, usedByNewRuns: used };
    }),
  ];
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
  console.log(`${out.strong(nameOf(bundle))}  stage ${stage}, ${trained ? 'trained' : 'not trained'}`);
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

async function verify(names: readonly string[], { store, all }: StoreOption & { all?: boolean }): Promise<void> {
  if (names.length === 0 && !all)
    throw new ConfigError('no bundle is named', { hint: 'name bundles, or use --all for all bundles in the store' });
  const notices = new Set<string>();
  const check = async (name: string, read: () => Promise<LoadedBundle>) => {
    try {
      const { bundle, digest, files } = await read();
      console.log(`${out.good('intact')}   ${nameOf(bundle)}  ${counted(files.size, 'file')}  ${digest}`);
      if (bundle.notice) notices.add(bundle.notice);
    } catch (error) {
      if (!(error instanceof BundleError)) throw error;
      console.log(`${out.bad('damaged')}  ${name}  ${error.code}  ${error.message}`);
      process.exitCode = EXIT.usage;
    }
  };
  const stored = names.map(storedName).filter((one) => one !== undefined);
  for (const name of names) if (!storedName(name)) await check(name, () => readBundleFolder(name));
  if (all || stored.length > 0) {
    await withStore(async (side) => {
      if (all)
        stored.push(
          ...(await listStoredNames(side.store)).map(({ name, version }): [string, string] => [name, version]),
        );
      if (stored.length === 0) console.log(out.faint('there is no bundle in the store'));
      for (const [name, version] of stored)
        await check(`${name}@${version}`, () => readWhole(side.store, name, version));
    }, store);
  }
  for (const notice of notices) console.error(err.warn(notice));
}

async function readWhole(store: ObjectStore, name: string, version: string): Promise<LoadedBundle> {
  const digest = bundleDigest(await readStoredManifest(store, name, version));
  return readStoredBundle(store, { name, version, digest });
}

function nameOf({ name, version }: { readonly name: string; readonly version: string }): string {
  return `${name}@${version}`;
}

function megabytes(bundle: Bundle): string {
  const bytes = membersOf(bundle).reduce((sum, { member }) => sum + member.bytes, 0);
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function inputLine(bundle: Bundle): string {
  if (bundle.stage === 1) return `input   volume of ${bundle.input.slices} slices of ${bundle.input.size.join(' x ')}`;
  if (bundle.stage === 2) return `input   three slices of ${bundle.input.size.join(' x ')}`;
  return `input   crops of ${bundle.crops.slices} slices per view`;
}
