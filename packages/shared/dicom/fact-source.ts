import type { Keyword } from './attributes.ts';

/**
 * Values of attributes by keyword, whatever they come from: a data set, an item of a sequence, or DICOM JSON. An absent
 * attribute has no value. No method throws.
 */
export interface FactSource {
  /** The first value, without padding; `undefined` if it is absent or empty. */
  text(keyword: Keyword): string | undefined;
  /** All values, without padding; none if the attribute is absent. */
  texts(keyword: Keyword): readonly string[];
  /** All values of a numeric attribute, binary or text; `undefined` if it is absent or one is no finite number. */
  numbers(keyword: Keyword): readonly number[] | undefined;
  /** The items of a sequence; none if it is absent. */
  items(keyword: Keyword): readonly FactSource[];
}
