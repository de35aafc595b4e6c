/**
 * A commander command that names a misspelt option before a missing one: `--uot FILE` where `--out` is required is one
 * mistake, and commander by itself only says that `--out` is missing.
 */

import { Command, type ParseOptionsResult } from 'commander';

export class SpinelineCommand extends Command {
  override createCommand(name?: string): SpinelineCommand {
    return new SpinelineCommand(name);
  }

  override parseOptions(argv: string[]): ParseOptionsResult {
    const parsed = super.parseOptions(argv);
    const [first] = parsed.unknown;
    const isHelp = parsed.unknown.some((one) => one === '-h' || one === '--help');
    // A command of commands hands what it does not know on to them.
    if (first !== undefined && !isHelp && this.commands.length === 0) this.#unknownOption(first);
    return parsed;
  }

  /** commander's own words, with what may have been meant; its types leave the method out. */
  #unknownOption(flag: string): void {
    (this as unknown as { unknownOption: (flag: string) => void }).unknownOption(flag);
  }
}
