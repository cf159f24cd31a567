/** Runs `haproxy -c` on a rendering, in a folder of its own that is gone afterwards. */
import { inFolder, runChecker, writeFiles } from "../runChecker.ts";
import type { CheckOptions, CheckResult, Rendered } from "../target.ts";

/**
 * Asks HAProxy itself whether it would load these files, as it is started: with their folder. A missing binary is a failed check,
 * not an exception.
 */
export async function check(rendered: Rendered, options: CheckOptions = {}): Promise<CheckResult> {
  if (rendered.kind !== "files") throw new Error("the HAProxy target renders files");
  const { files } = rendered;
  return inFolder(async (folder) => {
    await writeFiles(folder, files);
    return runChecker({
      command: [options.binary ?? "haproxy", "-c", "-f", folder],
      folder,
      relevantPart: (line) => (line.startsWith("[NOTICE]") ? "" : line),
      install: "install HAProxy (Debian: apt-get install haproxy)",
    });
  }, options.folder);
}
