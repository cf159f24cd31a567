/** Proxies in containers: whether that can be done here, and how one is started. */
import { GenericContainer, getContainerRuntimeClient, ImageName, type StartedTestContainer } from "testcontainers";
import type { ProxyName } from "../harness/context.ts";

/**
 * The images of docker-compose.yml, each to be replaced by one that is there: `TRIMTAB_ENVOY_IMAGE` and so on. Every image has
 * the proxy's program on its PATH.
 */
export const images: Readonly<Record<ProxyName, string>> = {
  envoy: process.env.TRIMTAB_ENVOY_IMAGE ?? "envoyproxy/envoy:v1.40.0",
  nginx: process.env.TRIMTAB_NGINX_IMAGE ?? "nginx:1.22.1-alpine",
  haproxy: process.env.TRIMTAB_HAPROXY_IMAGE ?? "haproxy:2.6.12-alpine",
};

/** Why containers cannot be used here, as one sentence; null when they can. Pulls nothing: that may take minutes. */
export async function whyNoContainers(): Promise<string | null> {
  let missing: string[];
  try {
    const client = await getContainerRuntimeClient();
    const found = await Promise.all(
      Object.values(images).map((image) => client.image.exists(ImageName.fromString(image))),
    );
    missing = Object.values(images).filter((_image, index) => !found[index]);
  } catch {
    return "no Docker engine answers";
  }
  return missing.length === 0 ? null : `the images are not here; run  docker pull ${missing.join(" && docker pull ")}`;
}

/** The program and its arguments, as the children of the other suite are started; `dir` holds the configuration. */
const commands: Readonly<Record<ProxyName, (dir: string) => readonly string[]>> = {
  envoy: (dir) => ["envoy", "-c", `${dir}/bootstrap.json`, "--concurrency", "2", "--log-level", "warning"],
  nginx: (dir) => [
    ...["nginx", "-p", dir, "-c", `${dir}/nginx.conf`, "-e", "stderr"],
    ...["-g", `daemon off; pid ${dir}/nginx.pid;`],
  ],
  haproxy: (dir) => ["haproxy", "-W", "-f", dir],
};

/**
 * Starts one proxy with `dir` mounted at the same path, in the machine's own network: addresses, upstreams and the control
 * plane are those of the other suite.
 */
export function startContainer(proxy: ProxyName, dir: string): Promise<StartedTestContainer> {
  const [program, ...args] = commands[proxy](dir) as [string, ...string[]];
  return (
    new GenericContainer(images[proxy])
      .withNetworkMode("host")
      // The folder belongs to whoever runs the test.
      .withUser(`${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`)
      .withBindMounts([{ source: dir, target: dir }])
      .withEntrypoint([program])
      .withCommand(args)
      .start()
  );
}
