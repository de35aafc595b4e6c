/** Counts files and folders of a dataset that are no readable images. They are skipped, and the counts are reported. */

import { withoutUids } from '../../domain/index.ts';

/** Why a file or folder is skipped, with the text for one and for several in a summary. */
export const SKIP_REASONS = {
  hidden: ['hidden file or folder', 'hidden files and folders'],
  left_behind: ['file or folder of an operating system', 'files and folders of operating systems'],
  output: ['output folder or store of spineline', 'output folders and stores of spineline'],
  special: ['pipe, socket or broken link', 'pipes, sockets and broken links'],
  link: ['link to a folder that is read already', 'links to folders that are read already'],
  empty: ['empty file', 'empty files'],
  not_dicom: ['file that is not DICOM', 'files that are not DICOM'],
  dicomdir: ['DICOMDIR', 'DICOMDIRs'],
  no_image: ['DICOM object without an image', 'DICOM objects without an image'],
  duplicate: ['second copy of an image', 'second copies of images'],
  unreadable: ['file or folder that may not be read', 'files and folders that may not be read'],
  damaged: ['damaged DICOM file', 'damaged DICOM files'],
} as const satisfies Record<string, readonly [one: string, many: string]>;
export type SkipReason = keyof typeof SKIP_REASONS;

/** Reasons that mean a loss, not junk. The first names are shown, so that a person can check these files. */
const LOSSES: readonly SkipReason[] = ['unreadable', 'damaged'];

const NAMES_KEPT = 5;

/** Counts by reason, and the first names of losses. */
export class Skipped {
  readonly #counts = new Map<SkipReason, number>();
  readonly #lost: string[] = [];

  /** @param name path below the dataset's folder. */
  add(reason: SkipReason, name?: string, count = 1): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + count);
    if (name !== undefined && LOSSES.includes(reason)) this.#lost.push(name);
  }

  /** Reasons that occurred, in the order of {@link SKIP_REASONS}. */
  counts(): { readonly [reason in SkipReason]?: number } {
    const reasons = Object.keys(SKIP_REASONS) as SkipReason[];
    return Object.fromEntries(
      reasons.flatMap((reason) => (this.#counts.has(reason) ? [[reason, this.#counts.get(reason)]] : [])),
    );
  }

  /** Paths of the first lost files, below the dataset's folder, sorted, without UIDs. */
  lost(): string[] {
    return [...this.#lost].sort().slice(0, NAMES_KEPT).map(withoutUids);
  }
}
