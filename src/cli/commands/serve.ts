import type { Declaration } from "../command.ts";
import { withListening, withMemoryLimit, withXdsTls } from "../options.ts";

/** `trimtab serve`: runs the control plane. */
export const serve: Declaration = (program, { runners, done }) => {
  withMemoryLimit(withXdsTls(withListening(program.command("serve"), "trimtab-data")))
    .description("run the control plane")
    .action((options) => done(runners.serve(options)));
};
