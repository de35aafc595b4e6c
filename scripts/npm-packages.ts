/**
 * Makes the npm packages of a release from the workspaces: `node scripts/npm-packages.ts OUT --repository URL`.
 *
 * The workspaces cannot be published as they are. They are private, their code is TypeScript, which Node does not run
 * inside `node_modules`, and the demo bundles lie outside of them. This compiles a copy of each workspace into
 * JavaScript, completes its `package.json`, adds the demo bundles to the package whose code names them, and packs it.
 * It writes a `*.tgz` per workspace into OUT and prints their names in the order of publishing, dependencies first.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly workspaces?: readonly string[];
  readonly description?: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

interface Workspace {
  /** Folder from the root of the repository, such as `apps/producer`. */
  readonly folder: string;
  readonly manifest: Manifest;
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Older ones have no `Float16Array`. */
const ENGINES = { node: '>=24' };
const NOTICE = 'The models that come with it are trained on synthetic phantoms: NOT FOR CLINICAL USE.';

/** The demo bundles in the repository, and in the package whose code names them. */
const BUNDLES = { inRepository: 'models/demo', inPackage: 'demo-bundles' };

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { repository: { type: 'string' } },
});
const [out] = positionals;
if (out === undefined || values.repository === undefined) {
  console.error('usage: node scripts/npm-packages.ts OUT --repository https://github.com/OWNER/NAME');
  process.exit(2);
}
makePackages(resolve(out), values.repository);

function makePackages(target: string, repository: string): void {
  const workspaces = inPublishingOrder(readWorkspaces());
  checkVersions(workspaces);
  const scratch = mkdtempSync(join(tmpdir(), 'spineline-npm-'));
  try {
    const compiled = join(scratch, 'compiled');
    compile(compiled);
    mkdirSync(target, { recursive: true });
    const withBundles: string[] = [];
    for (const workspace of workspaces) {
      const staged = join(scratch, 'staged', workspace.folder);
      if (stage(workspace, compiled, staged, repository)) withBundles.push(workspace.folder);
      const [packed] = JSON.parse(
        execFileSync('npm', ['pack', '--json', '--pack-destination', target], { cwd: staged, encoding: 'utf8' }),
      ) as { filename: string }[];
      console.log(packed!.filename);
    }
    if (withBundles.length !== 1) throw new Error(`expected the demo bundles once, not in: ${withBundles.join()}`);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as Manifest;
}

function readWorkspaces(): Workspace[] {
  const patterns = readManifest('package.json').workspaces ?? [];
  return patterns
    .flatMap((pattern) => globSync(`${pattern}/package.json`, { cwd: ROOT }))
    .map((path) => ({ folder: dirname(path), manifest: readManifest(path) }));
}

/** All workspaces have the version of the repository, and depend on exactly that version of each other. */
function checkVersions(workspaces: readonly Workspace[]): void {
  const { version } = readManifest('package.json');
  const names = new Set(workspaces.map(({ manifest }) => manifest.name));
  for (const { folder, manifest } of workspaces) {
    const dependencies = Object.entries(manifest.dependencies ?? {}).filter(([name]) => names.has(name));
    for (const [name, found] of [[manifest.name, manifest.version], ...dependencies]) {
      if (found !== version) throw new Error(`${folder}/package.json names ${name}@${found}, expected ${version}`);
    }
  }
}

/** Each after the workspaces that it depends on. */
function inPublishingOrder(workspaces: readonly Workspace[]): Workspace[] {
  const byName = new Map(workspaces.map((workspace) => [workspace.manifest.name, workspace]));
  const ordered = new Set<Workspace>();
  const visit = (workspace: Workspace): void => {
    for (const name of Object.keys(workspace.manifest.dependencies ?? {})) {
      const dependency = byName.get(name);
      if (dependency && !ordered.has(dependency)) visit(dependency);
    }
    ordered.add(workspace);
  };
  for (const workspace of workspaces) visit(workspace);
  return [...ordered];
}

/** JavaScript of the whole repository, in the same folders below `target`. */
function compile(target: string): void {
  const options = ['--noEmit', 'false', '--rewriteRelativeImportExtensions', '--outDir', target, '--rootDir', ROOT];
  execFileSync(process.execPath, [join(ROOT, 'node_modules/.bin/tsc'), '--project', ROOT, ...options], {
    stdio: ['ignore', 2, 2],
  });
}

/** @returns whether the demo bundles are in it. */
function stage({ folder, manifest }: Workspace, compiled: string, target: string, repository: string): boolean {
  const source = join(ROOT, folder);
  const ofProduct = (path: string) => !/(^|\/)(test|node_modules)(\/|$)/.test(relative(source, path));
  mkdirSync(target, { recursive: true });
  cpSync(source, target, { recursive: true, filter: (path) => ofProduct(path) && !path.endsWith('.ts') });
  for (const path of globSync('**/*.js', { cwd: join(compiled, folder) })) {
    if (!ofProduct(join(source, path))) continue;
    mkdirSync(dirname(join(target, path)), { recursive: true });
    cpSync(join(compiled, folder, path), join(target, path));
  }

  cpSync(join(ROOT, 'LICENSE'), join(target, 'LICENSE'));
  const isCommand = existsSync(join(source, 'bin'));
  const readme = `# ${manifest.name}\n\n${manifest.description ?? 'A part of spineline.'}\n\nA part of [spineline](${repository}), installed with it. Its exports may change with every release.\n\n${NOTICE}\n`;
  if (isCommand) cpSync(join(ROOT, 'README.md'), join(target, 'README.md'));
  else writeFileSync(join(target, 'README.md'), readme);
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(published(manifest, folder, repository), null, 2)}\n`);

  const bundles = renamePaths(target);
  if (bundles) cpSync(join(ROOT, BUNDLES.inRepository), join(target, BUNDLES.inPackage), { recursive: true });
  return bundles;
}

/** The manifest made public, with the fields that npm needs to publish with provenance. */
function published({ private: _, ...manifest }: Manifest, folder: string, repository: string): object {
  const exports = Object.fromEntries(
    Object.entries(manifest.exports ?? {}).map(([name, path]) => [name, path.replace(/\.ts$/, '.js')]),
  );
  return {
    ...manifest,
    ...(manifest.exports && { exports }),
    engines: ENGINES,
    repository: { type: 'git', url: `git+${repository}.git`, directory: folder },
    publishConfig: { access: 'public' },
  };
}

/**
 * The compiler renames imports. This renames what the code names in other ways: files of threads, and the folder of the
 * demo bundles.
 *
 * @returns whether the code of this workspace names the demo bundles.
 */
function renamePaths(folder: string): boolean {
  let bundles = false;
  for (const path of globSync('**/*.js', { cwd: folder })) {
    const file = join(folder, path);
    const before = readFileSync(file, 'utf8');
    const after = before
      .replaceAll(/(['"`])(\.{1,2}\/[^'"`\s]*)\.ts\1/g, '$1$2.js$1')
      .replaceAll(/'(?:\.\.\/)+models\/demo'/g, () => {
        bundles = true;
        return `'${relative(dirname(path), BUNDLES.inPackage)}'`;
      });
    if (after !== before) writeFileSync(file, after);
  }
  return bundles;
}
