/** Every command, in the order of the help. A new one is a file in `commands/` and a line here. */
import type { Declaration } from "./command.ts";
import { apply } from "./commands/apply.ts";
import { bootstrap } from "./commands/bootstrap.ts";
import { dev } from "./commands/dev.ts";
import { diff } from "./commands/diff.ts";
import { explain } from "./commands/explain.ts";
import { render } from "./commands/render.ts";
import { serve } from "./commands/serve.ts";
import { validate } from "./commands/validate.ts";

export const COMMANDS: readonly Declaration[] = [serve, dev, validate, render, bootstrap, diff, apply, explain];
