import { Option } from "commander";
import type { Declaration } from "../command.ts";
import { withListening } from "../options.ts";
import { portNumber } from "../values.ts";

/** `trimtab dev FILE`: the control plane, echo upstreams and one real proxy per fleet, until Ctrl-C. */
export const dev: Declaration = (program, { runners, done }) => {
  // Its own report tells people what happens.
  withListening(program.command("dev <file>"), { data: ".trimtab/dev", logLevel: "warn" })
    .description(
      "run the control plane, echo upstreams and the proxies that are installed, and apply edits of the file",
    )
    .addOption(
      new Option("--port <changes>", "other ports than the file's, as 8080=8081,9000=9001")
        .env("TRIMTAB_PORTS")
        .default("", "none"),
    )
    .addOption(
      new Option("--bind <changes>", "other bind addresses, as FLEET=ADDRESS,...")
        .env("TRIMTAB_BIND")
        .default("", "none"),
    )
    .addOption(
      new Option(
        "--https <port>",
        "also show a host inside TLS there, with a certificate of an authority that is made here",
      )
        .env("TRIMTAB_HTTPS")
        .argParser(portNumber),
    )
    .action((file: string, options) => done(runners.dev({ ...options, file })));
};
