/** Sockets as nginx writes them. */

/** `1.2.3.4:80` or `[::1]:80`. */
export function hostAndPort(address: string, port: number): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}
