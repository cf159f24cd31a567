/** Step 3: nginx with its stream module, HAProxy, keepalived and openssl, from Debian's packages. */
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { canInstallPackages, findProgram, run, say, timed } from "./shell.mjs";

const PROXIES = [
  { name: "nginx", packages: ["nginx"], present: () => findProgram("nginx") !== undefined },
  { name: "openssl", packages: ["openssl"], present: () => findProgram("openssl") !== undefined },
  { name: "nginx's stream module", packages: ["nginx", "libnginx-mod-stream"], present: hasStreamModule },
  { name: "HAProxy", packages: ["haproxy"], present: () => findProgram("haproxy") !== undefined },
  { name: "keepalived", packages: ["keepalived"], present: () => findProgram("keepalived") !== undefined },
];

const SERVICES = ["nginx", "haproxy", "keepalived"];

/** Debian's hook that says whether a package may start its service: 101 forbids it. */
const POLICY_FILE = "/usr/sbin/policy-rc.d";

/**
 * Installs what is missing when this is root on Debian.
 * @returns {Promise<string[]>} one line per proxy that is still missing, with the command that would install it
 */
export async function installProxies() {
  const before = missing();
  if (before.length === 0) return [];
  const packages = [...new Set(before.flatMap((proxy) => proxy.packages))];
  const command = `apt-get install ${packages.join(" ")}`;
  if (!canInstallPackages()) return before.map((proxy) => `${proxy.name} is missing: run  sudo ${command}`);
  await timed(command, () => aptInstall(packages));
  return missing().map((proxy) => `${proxy.name} is missing: ${command} failed (see .trimtab/setup.log)`);
}

/** Installs Debian packages without questions and without starting a service. Only root can. */
export function aptInstall(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  run("apt-get", ["update", "-q"], { env, quiet: true });
  const services = SERVICES.filter((service) => packages.includes(service) && findProgram(service) === undefined);
  const ok = withoutServiceStarts(() =>
    run("apt-get", ["install", "-q", "-y", "--no-install-recommends", ...packages], { env }),
  );
  if (ok) keepServicesOff(services, env);
  return ok;
}

/** The machine gets the programs, not new daemons on ports 80 and 443: neither now nor at the next boot. */
function keepServicesOff(services, env) {
  if (services.length === 0 || !existsSync("/run/systemd/system")) return;
  run("systemctl", ["disable", "--quiet", ...services], { env, quiet: true });
  say(`the services ${services.join(", ")} were left stopped and disabled`);
}

function withoutServiceStarts(step) {
  if (existsSync(POLICY_FILE)) return step();
  writeFileSync(POLICY_FILE, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    return step();
  } finally {
    rmSync(POLICY_FILE, { force: true });
  }
}

function missing() {
  return PROXIES.filter((proxy) => !proxy.present());
}

/** Debian's module file, or (other builds) compiled in: asked only when the file is not there. */
function hasStreamModule() {
  const folder = "/usr/lib/nginx/modules";
  if (existsSync(folder) && readdirSync(folder).includes("ngx_stream_module.so")) return true;
  const nginx = findProgram("nginx");
  return (
    nginx !== undefined && run("sh", ["-c", `"${nginx}" -V 2>&1 | grep -Eq -- '--with-stream( |$)'`], { quiet: true })
  );
}
