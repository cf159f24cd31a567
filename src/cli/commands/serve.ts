import type { Declaration } from "../command.ts";
import { DEFAULT_DATA, withListening, withMemoryLimit, withTls } from "../options.ts";

/** `trimtab serve`: runs the control plane. */
export const serve: Declaration = (program, { runners, done }) => {
  withMemoryLimit(withTls(withListening(program.command("serve"), { data: DEFAULT_DATA, logLevel: "info" })))
    .description("run the control plane")
    .action((options) => done(runners.serve(options)));
};
