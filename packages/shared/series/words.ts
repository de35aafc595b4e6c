/**
 * Finds the known words of a free text such as SeriesDescription. A word counts only as a whole: `loc` is a localizer,
 * `Locarno` is a town.
 *
 * Diacritics are folded and the text is split at whatever is neither letter nor digit. A run such as `T2SAG`, `sagT1` or
 * `SagSTIR` is taken apart only where it is made of known words and numbers from end to end. Of phrases the longest counts,
 * and takes its words with it: `T2 star` is a gradient echo and no T2.
 */

import { type Meaning, WORDS } from './lexicon.ts';
import { REGION_WORDS } from './regions.ts';

/** A known word or phrase of a text, as the lexicon writes it: nothing else of a text may be shown to anybody. */
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

/** The known words of a text in its order. */
export function findWords(text: string | undefined): FoundWord[] {
  if (text === undefined) return [];
  const tokens = tokensOf(text);
  const found: FoundWord[] = [];
  for (let at = 0; at < tokens.length; ) {
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

/** `Übersicht` is `Ubersicht`; case is kept. */
function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[ßøæœłđı]/g, (letter) => LETTERS_WITHOUT_MARKS[letter]!);
}

/** The words of a text in lower case. The star of `T2*` and a plus (`+C`) are kept with their word. */
function tokensOf(text: string): string[] {
  const runs =
    fold(text)
      // No LO value is longer than 64 characters (PS3.5 6.2): a text that is costs no time.
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

/** A run of letters and digits that is no known word: its parts where all of them are known, else itself. */
function splitRun(run: string): string[] {
  const lower = run.toLowerCase();
  if (!/^[a-z0-9*]+$/.test(lower)) return [lower];
  const camel = run.split(/(?<=[a-z])(?=[A-Z])/).map((part) => part.toLowerCase());
  if (camel.length > 1 && camel.every((part) => MEANINGS.has(part))) return camel;
  if (/^[a-z]+$/.test(lower)) return splitPlane(lower) ?? [lower];
  return segments(lower) ?? weightingAndRest(lower) ?? [lower];
}

/** Letters alone: one plane before or after one other word of three letters and more, such as `sagstir` and `scoutsag`. */
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

/** Letters and digits: known words (two characters and more), vertebrae (`l5`) and numbers from end to end. */
function segments(run: string): string[] | undefined {
  const best: (string[] | undefined)[] = [[]];
  for (let end = 1; end <= run.length; end++) {
    for (let start = 0; start < end; start++) {
      const before = best[start];
      const part = run.slice(start, end);
      if (before === undefined || !isPart(part, run, start)) continue;
      const parts = [...before, part];
      // The fewest parts: the longest words.
      if (best[end] === undefined || parts.length < best[end]!.length) best[end] = parts;
    }
  }
  return best[run.length];
}

function isPart(part: string, run: string, start: number): boolean {
  // A number is never cut: `t12` is no T1.
  if (/^\d+$/.test(part)) return !/\d/.test(run[start - 1] ?? '');
  if (/^(l[1-5]|s1|t12|th12)$/.test(part)) return true;
  return part.length >= 2 && MEANINGS.has(part);
}

/** `t2xyz`, `sagt1w3dabc`, Philips' `st1w`: T1 or T2 and a sequence that no list knows. No name begins like this. */
function weightingAndRest(run: string): string[] | undefined {
  const [, plane, weighting, rest] = /^([a-z]*)(t[12])(?:wi?)?([a-z][a-z0-9]*)?$/.exec(run) ?? [];
  if (plane === undefined || weighting === undefined) return undefined;
  const after = rest ? (segments(rest) ?? [rest]) : [];
  if (plane === '' || /^[sev]t[12]w/.test(run)) return [weighting, ...after];
  return PLANE.has(MEANINGS.get(plane)!) ? [plane, weighting, ...after] : undefined;
}
