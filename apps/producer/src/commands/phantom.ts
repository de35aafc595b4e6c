/** `spineline phantom`: make synthetic studies with known truth. */

import { generatePhantom, renderContactSheet } from '@spineline/phantom';
import cliProgress from 'cli-progress';
import { type Command, InvalidArgumentError } from 'commander';
import { Rate } from '../terminal/progress-view.ts';
import { counted, duration, err, out } from '../terminal/style.ts';

interface PhantomCommandOptions {
  readonly studies: number;
  readonly seed: number;
  readonly start?: number;
  readonly threads?: number;
  readonly awkward: boolean;
  readonly preview?: string;
  readonly json?: boolean;
}

export function addPhantom(program: Command): void {
  program
    .command('phantom')
    .description('make synthetic lumbar-spine MR studies as DICOM, in the challenge’s layout, with labels')
    .argument('<dir>', 'folder to write')
    .option('-n, --studies <n>', 'number of studies', wholeNumber, 8)
    .option('-s, --seed <n>', 'same seed, same bytes, however many threads', wholeNumber, 1)
    .option(
      '--start <index>',
      'index of the first study: makes studies index .. index + n - 1 of the seed',
      wholeNumber,
      0,
    )
    .option('--threads <n>', 'worker threads (default: one a core)', wholeNumber)
    .option('--no-awkward', 'plain studies only: no missing kinds, odd frames of reference, compressed files')
    .option('--preview <png>', 'a contact sheet of the first studies, with the labelled points')
    .option('--json', 'print what was made as JSON')
    .addHelpText(
      'after',
      `
Writes train_images, train.csv, train_label_coordinates.csv, train_series_descriptions.csv and the test_ twins.
The studies are synthetic: they show no person, and say nothing about how well a model reads real patients.

Study i depends on the seed and i alone, so that a large dataset can be made in parts, on several machines:
--studies 500 --start 0, --studies 500 --start 500, ... each into a folder of its own, are to the byte the studies that
--studies 1000 makes.

Example:
  spineline phantom demo --studies 20 --seed 7
  spineline score demo --out out && spineline evaluate out/results.json --labels demo/train.csv`,
    )
    .action(async (directory: string, options: PhantomCommandOptions) => {
      const summary = await makePhantom(directory, options);
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

const LINE_EVERY_SECONDS = 15;

/** Generates with a progress bar on a terminal, elsewhere with a line now and then; both say how long it still takes. */
export async function makePhantom(
  directory: string,
  { studies, seed, start, threads, awkward }: Omit<PhantomCommandOptions, 'json' | 'preview'>,
): ReturnType<typeof generatePhantom> {
  const bar = new cliProgress.SingleBar(
    { format: `phantoms {bar} {value}/{total}  ${err.faint('{left}')}`, hideCursor: true },
    cliProgress.Presets.shades_classic,
  );
  const watched = process.stderr.isTTY;
  const rate = new Rate();
  let last = performance.now();
  if (watched) bar.start(studies, 0, { left: '' });
  try {
    return await generatePhantom(directory, {
      studies,
      seed,
      awkward,
      ...(start !== undefined && { firstStudy: start }),
      ...(threads !== undefined && { threads }),
      onProgress: (done) => {
        rate.add(done);
        const perSecond = rate.perSecond();
        const left = perSecond > 0 && done < studies ? `${duration((studies - done) / perSecond)} left` : '';
        if (watched) bar.update(done, { left });
        else if (performance.now() - last >= LINE_EVERY_SECONDS * 1000) {
          last = performance.now();
          process.stderr.write(`${done} of ${counted(studies, 'study', 'studies')}${left && `, ${left}`}\n`);
        }
      },
    });
  } finally {
    if (watched) bar.stop();
  }
}
