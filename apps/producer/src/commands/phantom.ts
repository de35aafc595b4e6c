/** `spineline phantom`: make synthetic studies with known truth. */

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
  /** Default 8, or all rows of an export once. */
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
    .option('-s, --seed <n>', 'same seed, same bytes, however many threads', wholeNumber, 1)
    .option(
      '--start <index>',
      'index of the first study: makes studies index .. index + n - 1 of the seed (default: 0)',
      wholeNumber,
    )
    .option('--threads <n>', 'worker threads (default: one a core)', wholeNumber)
    .option('--no-awkward', 'plain studies only: no missing kinds, odd frames of reference, compressed files')
    .option('--preview <png>', 'a contact sheet of the first studies, with the labelled points')
    .option('--as-export', 'a tree as five vendors’ scanners and two PACS write it, with what a reader must make of it')
    .option('--small', 'half the rows and columns: a quarter of the bytes and of the time')
    .option(
      '--stored-as <way>',
      'turn or mirror the pixels and the geometry with them; for one plane: sagittal=WAY,axial=WAY',
      refusable(parseStoredAs),
    )
    .option('--padding <value>', 'pixels beyond a field of view hold this value; the header says so', anyWhole)
    .option('--padding-limit <value>', 'they hold every value from --padding to this one', anyWhole)
    .addOption(new Option('--padding-field <shape>', 'what is not padded (default: circle)').choices(FIELDS_OF_VIEW))
    .option('--no-padding-header', 'the header does not say so')
    .option(
      '--one-sided <side>',
      'left or right: foramina and recesses of this side severely narrowed, all else normal',
      refusable(parseSide),
    )
    .option('--json', 'print what was made as JSON')
    .addHelpText(
      'after',
      `
Writes train_images, train.csv, train_label_coordinates.csv, train_series_descriptions.csv and the test_ twins.
The studies are synthetic: they show no person, and say nothing about how well a model reads real patients.

Study i depends on the seed and i alone, so that a large dataset can be made in parts, on several machines:
--studies 500 --start 0, --studies 500 --start 500, ... each into a folder of its own, are to the byte the studies that
--studies 1000 makes.

Ways for --stored-as: ${ways.slice(0, 4).join(', ')},
${ways.slice(4).join(', ')}.
Turned clockwise as one looks at the picture, and mirrored before that. Labels move with the pixels.

--as-export writes DIR/export: ${EXPORT_STUDIES.length} studies, flat, deep, on media with a DICOMDIR, with UIDs as names, with localizers,
captures, derived series, a neck, a knee, a CT, and junk between them. Beside it lie expected.json, which says of every
file what a reader must make of it, and the labels. These are keyed by StudyInstanceUID, so evaluate cannot take them as
they are: "spineline manifest DIR/export --out m.jsonl --map who.csv" writes which study_id stands for which
study_instance_uid; score m.jsonl, and replace the first column of train.csv by these ids (packages/phantom/README.md).

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
  throw new InvalidArgumentError('a whole number');
}

function anyWhole(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('a whole number');
}

/** What the library refuses is a wrong argument here, and the command line says which. */
function refusable<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof ConfigError) throw new InvalidArgumentError(error.context.expected ?? error.message);
      throw error;
    }
  };
}

/** What an export has of its own, or decides itself, study by study. */
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
    throw new ConfigError(`${flag} and --as-export do not go together`, {
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

/** Generates with a progress bar on a terminal, elsewhere with a line now and then; both say how long it still takes. */
export async function makePhantom(directory: string, options: MadePhantom): ReturnType<typeof generatePhantom> {
  const { studies, seed, start, threads, awkward, small, storedAs, padding } = options;
  if (padding === undefined && (options.paddingLimit !== undefined || options.paddingField !== undefined)) {
    throw new ConfigError('there is no padding', { hint: 'give its value with --padding' });
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

/** Runs what makes `studies` studies, and shows how far it is. */
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
