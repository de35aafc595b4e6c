/**
 * Finds known words in a free text such as SeriesDescription. Only whole words count: `loc` is a localizer, `Locarno`
 * is a town.
 *
 * Diacritics are removed, and the text is split at every character that is neither letter nor digit. A run such as
 * `T2SAG`, `sagT1` or `SagSTIR` is split only if it consists entirely of known words and numbers. The longest phrase
 * counts, and its words do not count again: `T2 star` is a gradient echo, not T2.
 */

import { type Meaning, WORDS } from './lexicon.ts';
import { REGION_WORDS } from './regions.ts';

/**
 * A known word or phrase of a text, as the lexicon writes it. Nothing else of a text may be shown, since it may be
 * patient data.
 */
export interface FoundWord {
  readonly meaning: Meaning;
  readonly word: string;
}

const MEANINGS: ReadonlyMap<string, Meaning> = new Map(
  [...Object.entries(WORDS), ...Object.entries(REGION_WORDS)].flatMap(([meaning, words]) =>
    words.map((word) => [word, meaning as Meaning] as const),
  ),
);
const LONGEST_PHRASE = Math.max(...[...MEANINGS.keys()].map((phrase) => phrase.split(' ').length));

/** The known words of a text, in order. */
export function findWords(text: string | undefined): FoundWord[] {
  if (text === undefined) return [];
  const tokens = tokensOf(text);
  const found: FoundWord[] = [];
  for (let at = 0; at < tokens.length;) {
    const phrase = phraseAt(tokens, at);
    if (phrase) found.push({ meaning: MEANINGS.get(phrase.text)!, word: phrase.text });
    at += phrase?.length ?? 1;
  }
  return found;
}

function phraseAt(tokens: readonly string[], at: number): { text: string; length: number } | undefined {
  for (let length = Math.min(LONGEST_PHRASE, tokens.length - at); length > 0; length--) {
    const text = tokens.slice(at, at + length).join(' ');
    if (MEANINGS.has(text)) return { text, length };
  }
  return undefined;
}

const LETTERS_WITHOUT_MARKS: Readonly<Record<string, string>> = {
  ß: 'ss',
  ø: 'o',
  æ: 'ae',
  œ: 'oe',
  ł: 'l',
  đ: 'd',
  ı: 'i',
};

/** Removes diacritics: `Übersicht` becomes `Ubersicht`. Case is kept. */
function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[ßøæœłđı]/g, (letter) => LETTERS_WITHOUT_MARKS[letter]!);
}

/** The words of a text in lower case. The star in `T2*` and the plus in `+C` stay with their word. */
function tokensOf(text: string): string[] {
  const runs =
    fold(text)
      // An LO value has at most 64 characters (PS3.5 6.2). Longer texts are cut, to limit the time.
      .slice(0, 256)
      .replace(/\bt2 ?\*/gi, 't2*')
      .replace(/\bw\/o\b/gi, 'without')
      .match(/\+?[\p{L}\p{N}]+[*+]?/gu) ?? [];
  return runs.flatMap((run) => {
    const lower = run.toLowerCase();
    if (MEANINGS.has(lower)) return [lower];
    const bare = lower.replace(/^\+|[*+]$/g, '');
    if (MEANINGS.has(bare) && !bare.startsWith('t2')) return [bare];
    return splitRun(run.replace(/^\+|\+$/g, ''));
  });
}

const PLANE = new Set<Meaning>(['sagittal', 'axial', 'coronal']);

/**
 * Splits a run of letters and digits that is no known word into its parts, if all of them are known; otherwise the run
 * itself.
 */
function splitRun(run: string): string[] {
  const lower = run.toLowerCase();
  if (!/^[a-z0-9*]+$/.test(lower)) return [lower];
  const camel = run.split(/(?<=[a-z])(?=[A-Z])/).map((part) => part.toLowerCase());
  if (camel.length > 1 && camel.every((part) => MEANINGS.has(part))) return camel;
  if (/^[a-z]+$/.test(lower)) return splitPlane(lower) ?? [lower];
  return segments(lower) ?? weightingAndRest(lower) ?? [lower];
}

/**
 * Splits a run of letters into a plane and one other word of three or more letters, such as `sagstir` and `scoutsag`.
 */
function splitPlane(run: string): string[] | undefined {
  for (let cut = 2; cut <= run.length - 2; cut++) {
    const parts = [run.slice(0, cut), run.slice(cut)];
    const meanings = parts.map((part) => MEANINGS.get(part));
    const planes = meanings.filter((meaning) => meaning !== undefined && PLANE.has(meaning)).length;
    const rest = parts[PLANE.has(meanings[0]!) ? 1 : 0]!;
    if (planes === 1 && meanings.every((meaning) => meaning !== undefined) && rest.length >= 3) return parts;
  }
  return undefined;
}

/** Splits a run of letters and digits into known words (two or more characters), vertebrae (`l5`) and numbers. */
function segments(run: string): string[] | undefined {
  const best: (string[] | undefined)[] = [[]];
  for (let end = 1; end <= run.length; end++) {
    for (let start = 0; start < end; start++) {
      const before = best[start];
      const part = run.slice(start, end);
      if (before === undefined || !isPart(part, run, start)) continue;
      const parts = [...before, part];
      // The fewest parts, so that the longest words count.
      if (best[end] === undefined || parts.length < best[end]!.length) best[end] = parts;
    }
  }
  return best[run.length];
}

function isPart(part: string, run: string, start: number): boolean {
  // A number is never split: `t12` is not T1.
  if (/^\d+$/.test(part)) return !/\d/.test(run[start - 1] ?? '');
  if (/^(l[1-5]|s1|t12|th12)$/.test(part)) return true;
  return part.length >= 2 && MEANINGS.has(part);
}

/**
 * Splits T1 or T2 and an unknown sequence name: `t2xyz`, `sagt1w3dabc`, Philips' `st1w`. No personal name begins like
 * this.
 */
function weightingAndRest(run: string): string[] | undefined {
  const [, plane, weighting, rest] = /^([a-z]*)(t[12])(?:wi?)?([a-z][a-z0-9]*)?$/.exec(run) ?? [];
  if (plane === undefined || weighting === undefined) return undefined;
  const after = rest ? (segments(rest) ?? [rest]) : [];
  if (plane === '' || /^[sev]t[12]w/.test(run)) return [weighting, ...after];
  return PLANE.has(MEANINGS.get(plane)!) ? [plane, weighting, ...after] : undefined;
}
