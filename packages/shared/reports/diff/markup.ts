/** HTML from template strings. Every value is escaped, unless it is markup itself. */

/** Text that is already HTML. Only `html` and the style sheet of the page make it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type MarkupValue = string | number | Markup | readonly Markup[];

/**
 * A template of HTML or SVG: `` html`<p>${text}</p>` `` is safe for any `text`, also in attributes in double quotes.
 */
export function html(strings: TemplateStringsArray, ...values: readonly MarkupValue[]): Markup {
  return new Markup(strings.map((string, i) => string + (i < values.length ? textOf(values[i]!) : '')).join(''));
}

/** Empty markup. */
export const NOTHING = new Markup('');

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}

function textOf(value: MarkupValue): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(({ text }) => text).join('\n');
  return escaped(String(value));
}
