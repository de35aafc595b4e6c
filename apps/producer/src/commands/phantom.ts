/** `spineline phantom`: makes synthetic studies with known truth. */

import {
  EXPORT_STUDIES,
  FIELDS_OF_VIEW,
  generateExport,
  generatePhantom,
  oneSided,
  type PhantomOptions,
  parseSide,
  parseStoredAs,
  renderContactSheet,
  STORED_AS,
} from '@spineline/phantom';
import { ConfigError, counted } from '@spineline/shared/domain';
import cliProgress from 'cli-progress';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { Rate } from '../terminal/rate.ts';
import { duration, err, out } from '../terminal/style.ts';

interface PhantomCommandOptions {
  /** Default: 8; for an export, one study of each kind. */
  readonly studies?: number;
  readonly seed: number;
  readonly start?: number;
  readonly threads?: number;
  readonly awkward: boolean;
  readonly preview?: string;
  readonly json?: boolean;
  readonly asExport?: boolean;
  readonly small?: boolean;
  readonly storedAs?: NonNullable<PhantomOptions['storedAs']>;
  readonly padding?: number;
  readonly paddingLimit?: number;
  readonly paddingField?: (typeof FIELDS_OF_VIEW)[number];
  readonly paddingHeader: boolean;
  readonly oneSided?: 'left' | 'right';
}

const DEFAULT_STUDIES = 8;

export function addPhantom(program: Command): void {
  const ways = Object.keys(STORED_AS);
  program
    .command('phantom')
    .description('make synthetic lumbar-spine MR studies as DICOM, in the challenge’s layout, with labels')
    .argument('<dir>', 'folder to write')
    .option(
      '-n, --studies <n>',
      `number of studies (default: ${DEFAULT_STUDIES}, with --as-export ${EXPORT_STUDIES.length})`,
      wholeNumber,
    )
    .option(
      '-s, --seed <n>',
      'random seed: the same seed gives the same bytes, for any number of threads',
      wholeNumber,
      1,
    )
    .option(
      '--start <index>',
      'index of the first study: makes studies index .. index + n - 1 of the seed (default: 0)',
      wholeNumber,
    )
    .option('--threads <n>', 'worker threads (default: one per core)', wholeNumber)
    .option('--no-awkward', 'plain studies only: no missing kinds, unusual frames of reference or compressed files')
    .option('--preview <png>', 'also write a contact sheet of the first studies, with the labelled points')
    .option('--as-export', 'write a file tree like those of five vendors and two PACS, with the expected outcome')
    .option('--small', 'half the rows and columns: a quarter of the bytes and of the time')
    .option(
      '--stored-as <way>',
      'rotate or mirror the stored pixels, and the geometry with them; per plane: sagittal=WAY,axial=WAY',
      refusable(parseStoredAs),
    )
    .option('--padding <value>', 'pixel value outside the field of view, declared in the header', anyWhole)
    .option('--padding-limit <value>', 'padding pixels hold all values from --padding to this one', anyWhole)
    .addOption(
      new Option('--padding-field <shape>', 'shape of the field of view (default: circle)').choices(FIELDS_OF_VIEW),
    )
    .option('--no-padding-header', 'do not declare the padding in the header')
    .option(
      '--one-sided <side>',
      'left or right: foramina and recesses of this side are severely narrowed, everything else is normal',
      refusable(parseSide),
    )
    .option('--json', 'print what was made as JSON')
    .addHelpText(
      'after',
      `
Writes train_images, train.csv, train_label_coordinates.csv and train_series_descriptions.csv. test_images and
test_series_descriptions.csv have the same content as those of train.
The studies are synthetic: they show no person, and say nothing about how well a model reads real patients.

Study i depends only on the seed and on i, so a large dataset can be made in parts, on several machines:
--studies 500 --start 0, --studies 500 --start 500, ... into different folders give exactly the same bytes as
--studies 1000.

Ways for --stored-as: ${ways.slice(0, 4).join(', ')},
${ways.slice(4).join(', ')}.
The picture is mirrored first, then rotated clockwise. The labels move with the pixels.

--as-export writes DIR/export: ${EXPORT_STUDIES.length} studies in flat folders, in deep folders, and on media with a
DICOMDIR, some with UIDs as names, with localizers, captures, derived series, a neck, a knee, a CT, and files that are
not DICOM. DIR/expected.json says for every file how it must be read. The labels in DIR use StudyInstanceUIDs, which
evaluate does not know. So run "spineline manifest DIR/export --out m.jsonl --map who.csv", score m.jsonl, and replace
the first column of train.csv by the study_id that who.csv gives for each study_instance_uid
(packages/phantom/README.md).

Examples:
  spineline phantom demo --studies 20 --seed 7
  spineline score demo --out out && spineline evaluate out/results.json --labels demo/train.csv
  spineline phantom turned --stored-as sagittal=mirrored,axial=turned-180 --one-sided left --no-awkward
  spineline phantom padded --padding -2000 --padding-limit -1900
  spineline phantom others --as-export --small && spineline score others/export --out out`,
    )
    .action(async (directory: string, options: PhantomCommandOptions) => {
      if (options.asExport) return writeExport(directory, options);
      const summary = await makePhantom(directory, { ...options, studies: options.studies ?? DEFAULT_STUDIES });
      if (options.preview) await renderContactSheet(directory, options.preview);
      if (options.json) console.log(JSON.stringify(summary));
      else {
        console.log(
          `${counted(summary.studies, 'study', 'studies')}, ${counted(summary.files, 'file')} in ${out.strong(directory)}`,
        );
        for (const { study, what } of summary.awkward) console.log(out.faint(`  ${study}  ${what}`));
      }
    });
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError('Expected a whole number from 0.');
}

function anyWhole(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('Expected a whole number.');
}

/** Turns a ConfigError of the library into an error about a wrong argument. */
function refusable<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof ConfigError) {
        const { expected } = error.context;
        throw new InvalidArgumentError(expected ? `Expected ${expected}.` : error.message);
      }
      throw error;
    }
  };
}

/** Options that an export decides itself, study by study. */
const NOT_WITH_EXPORT = [
  ['start', '--start'],
  ['preview', '--preview'],
  ['storedAs', '--stored-as'],
  ['padding', '--padding'],
  ['oneSided', '--one-sided'],
] as const;

async function writeExport(directory: string, options: PhantomCommandOptions): Promise<void> {
  for (const [key, flag] of NOT_WITH_EXPORT) {
    if (options[key] === undefined) continue;
    throw new ConfigError(`${flag} and --as-export cannot be used together`, {
      hint: 'an export decides this study by study',
    });
  }
  const { seed, threads, small, studies = EXPORT_STUDIES.length } = options;
  const summary = await watched(studies, (onProgress) =>
    generateExport(directory, { studies, seed, small, threads, onProgress }),
  );
  const { expectations, ...figures } = summary;
  if (options.json) return console.log(JSON.stringify(figures));
  const scored = expectations.studies.filter(({ outcome }) => outcome === 'scored').length;
  console.log(
    `${counted(summary.studies, 'study', 'studies')}, ${counted(summary.files, 'file')} in ${out.strong(`${directory}/export`)}`,
  );
  console.log(out.faint(`  ${scored} to be scored, ${summary.studies - scored} to fail: ${directory}/expected.json`));
}

const LINE_EVERY_SECONDS = 15;

type MadePhantom = Pick<PhantomCommandOptions, 'seed' | 'start' | 'threads' | 'awkward'> &
  Partial<PhantomCommandOptions> & { readonly studies: number };

/**
 * Generates studies and shows the progress and the time left: as a bar on a terminal, elsewhere as occasional lines.
 */
export async function makePhantom(directory: string, options: MadePhantom): ReturnType<typeof generatePhantom> {
  const { studies, seed, start, threads, awkward, small, storedAs, padding } = options;
  if (padding === undefined && (options.paddingLimit !== undefined || options.paddingField !== undefined)) {
    throw new ConfigError('--padding-limit and --padding-field need --padding', {
      hint: 'set its value with --padding',
    });
  }
  return watched(studies, (onProgress) =>
    generatePhantom(directory, {
      studies,
      seed,
      awkward,
      ...(start !== undefined && { firstStudy: start }),
      ...(threads !== undefined && { threads }),
      ...(small && { small }),
      ...(storedAs && { storedAs }),
      ...(padding !== undefined && {
        padding: {
          value: padding,
          ...(options.paddingLimit !== undefined && { rangeLimit: options.paddingLimit }),
          ...(options.paddingField && { field: options.paddingField }),
          ...(options.paddingHeader === false && { declared: false }),
        },
      }),
      ...(options.oneSided && { severities: oneSided(options.oneSided) }),
      onProgress,
    }),
  );
}

/** Runs `make`, which makes `studies` studies, and shows its progress. */
async function watched<T>(studies: number, make: (onProgress: (done: number) => void) => Promise<T>): Promise<T> {
  const bar = new cliProgress.SingleBar(
    { format: `phantoms {bar} {value}/{total}  ${err.faint('{left}')}`, hideCursor: true },
    cliProgress.Presets.shades_classic,
  );
  const onTerminal = process.stderr.isTTY;
  const rate = new Rate();
  let last = performance.now();
  if (onTerminal) bar.start(studies, 0, { left: '' });
  try {
    return await make((done) => {
      rate.add(done);
      const perSecond = rate.perSecond();
      const left = perSecond > 0 && done < studies ? `${duration((studies - done) / perSecond)} left` : '';
      if (onTerminal) bar.update(done, { left });
      else if (performance.now() - last >= LINE_EVERY_SECONDS * 1000) {
        last = performance.now();
        process.stderr.write(`${done} of ${counted(studies, 'study', 'studies')}${left && `, ${left}`}\n`);
      }
    });
  } finally {
    if (onTerminal) bar.stop();
  }
}
