/** Clusters of `everyField.ts` beside those that most of its rules name: with limits, and inside TLS. */

/** Nobody listens at their endpoints. */
export const otherClusters = [
  { name: "ef-other", endpoints: [], limits: { maxConnectionsPerEndpoint: 9, maxPending: 9, queueTimeout: "2s" } },
  {
    name: "ef-secured",
    endpoints: [{ address: "127.0.0.1", port: 9 }],
    tls: {
      serverName: "ef.example",
      authority: "ef-authority",
      clientCertificate: "ef-certificate",
      maxVersion: "1.3",
    },
  },
  { name: "ef-insecure", endpoints: [{ address: "127.0.0.1", port: 9 }], tls: { insecure: true, minVersion: "1.2" } },
] as const;
