/** Processes for which the machine trusts whom a test says: they have its bundle in the place of the system's, and nobody else has. */
import { spawnSync } from "node:child_process";

/** Where proxies look, as docs/tls-endpoints.md says. */
const SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";

/** A place in the file system of its own; for who is not root, as root of nothing else. */
const APART =
  process.getuid?.() === 0
    ? ["unshare", "--mount"]
    : ["unshare", "--user", "--map-current-user", "--keep-caps", "--mount"];

/** Whether this machine lets us do it. */
export function canTrust(bundle: string): boolean {
  const [command = "", ...args] = trusting(bundle);
  return spawnSync(command, [...args, "true"], { stdio: "ignore" }).status === 0;
}

/** The beginning of a command line: what is put behind it runs so, as the same process. */
export function trusting(bundle: string): readonly string[] {
  const script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';
  return [...APART, "sh", "-c", script, "sh", bundle, SYSTEM_BUNDLE];
}
