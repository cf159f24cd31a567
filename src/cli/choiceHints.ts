/** Options that take one of several words say which one was probably meant. */
import { type Command, InvalidArgumentError } from "commander";
import { nearest } from "../util/didYouMean.ts";

/** Of a program and all its commands. */
export function hintAtChoices(command: Command): void {
  for (const option of command.options) {
    const { argChoices, parseArg } = option;
    if (argChoices === undefined || parseArg === undefined) continue;
    option.parseArg = <T>(value: string, previous: T): T => {
      try {
        return parseArg(value, previous) as T;
      } catch (error) {
        const meant = nearest(value, argChoices);
        if (!(error instanceof InvalidArgumentError) || meant === undefined) throw error;
        throw new InvalidArgumentError(`${error.message} Did you mean ${meant}?`);
      }
    };
  }
  for (const below of command.commands) hintAtChoices(below);
}
