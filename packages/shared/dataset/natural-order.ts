/**
 * The order of ids and file names. Runs of digits compare as numbers, everything else by code unit, so that `9.dcm`
 * comes before `10.dcm` and study `4003253` before `100206310`, as in the challenge's sample submission.
 * `Intl.Collator` is not used, since its order depends on the ICU version.
 */

/** Comparator for `sort`: negative, zero (only for equal strings) or positive. Digit runs may be of any length. */
export function compareNatural(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const order = compareRuns(left[i]!, right[i]!);
    if (order !== 0) return order;
  }
  // Equal as numbers but written differently (`01` and `1`): the code units decide, so that only equal strings are
  // equal.
  return left.length - right.length || compareText(a, b);
}

function compareRuns(a: string, b: string): number {
  if (!isDigits(a) || !isDigits(b)) return compareText(a, b);
  const left = a.replace(/^0+/, '');
  const right = b.replace(/^0+/, '');
  return left.length - right.length || compareText(left, right);
}

function isDigits(run: string): boolean {
  const code = run.charCodeAt(0);
  return code >= 48 && code <= 57;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
