/**
 * A commander command that reports a misspelt option before a missing one. For `--uot FILE` where `--out` is required,
 * commander itself would only report that `--out` is missing.
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
    // A command with subcommands passes unknown options on to them.
    if (first !== undefined && !isHelp && this.commands.length === 0) this.#unknownOption(first);
    return parsed;
  }

  /** The message of commander, with its suggestion. The method is missing in commander's types. */
  #unknownOption(flag: string): void {
    (this as unknown as { unknownOption: (flag: string) => void }).unknownOption(flag);
  }
}
