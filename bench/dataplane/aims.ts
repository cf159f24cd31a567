/** What the bench judges by. */

/** The proxies that are measured. */
export const PROXIES = ["nginx", "haproxy", "envoy"] as const;
export type ProxyName = (typeof PROXIES)[number];

/** How much more than the hand-written file the generated one may cost. Envoy's is tighter: there is little to do better or worse. */
export const EXPERT_LIMIT: Readonly<Record<ProxyName, number>> = { nginx: 1.1, haproxy: 1.1, envoy: 1.05 };
/** The same with features of load balancing in use, and inside TLS: there the proxy's own work is more. */
export const FEATURE_LIMIT = 1.05;
/** How much more a request may cost among 200 hosts that each change another header than with one such host. */
export const HOSTS_LIMIT = 1.2;

/** Measured requests of one callgrind figure: the two readings themselves cost a few thousand instructions, which 200 share. */
export const COUNTED_REQUESTS = 200;
/** Requests before them: connections to the upstream are open, buffers are there, caches of compiled code are filled. */
export const WARM_REQUESTS = 50;
/** Figures of one case by callgrind: they repeat to about 1 %, so few are enough to see one that does not. */
export const COUNTED_ROUNDS = 3;
/** Client connections under load: enough to keep a proxy of one thread busy, and what the design notes measured with. */
export const CONNECTIONS = 8;
/** Requests of one CPU figure: 0.1 to 0.4 s of CPU, a hundred times what a timer or a log line costs. */
export const LOAD_REQUESTS = 4_000;
