/**
 * Who fetched a fleet's files lately, and what they were given: all that is known here of proxies that run elsewhere. It says nothing of
 * what they do with the files.
 */

/** Of one fleet; the ones that have not come for the longest are forgotten first. */
const MAX_POLLERS = 100;
/** Who has not come for so long does not poll. */
const FORGET_POLLER_MS = 24 * 60 * 60 * 1000;
/** Characters of what a client calls itself. */
const MAX_USER_AGENT = 200;

/** What one client was given last; machines behind one address with one user agent are one. */
export interface Poller {
  readonly address: string;
  readonly userAgent: string;
  /** RFC 3339. */
  readonly polledAt: string;
  /** The ETag of what it was given. */
  readonly generation: string;
  readonly revision: number;
  /** It said that it has this generation already. */
  readonly hadIt: boolean;
}

export interface Pollers {
  note(fleet: string, poller: Omit<Poller, "polledAt">): void;
  /** The latest first. */
  of(fleet: string): readonly Poller[];
}

/** `isThere`: whether there is such a fleet; of others nothing is kept. */
export function createPollers(isThere: (fleet: string) => boolean, now: () => Date): Pollers {
  const fleets = new Map<string, Map<string, Poller>>();
  return {
    note(fleet, { userAgent: whole, ...poller }) {
      const userAgent = whole.slice(0, MAX_USER_AGENT);
      if (!fleets.has(fleet)) {
        for (const name of fleets.keys()) if (!isThere(name)) fleets.delete(name);
        fleets.set(fleet, new Map());
      }
      const own = fleets.get(fleet) as Map<string, Poller>;
      const key = `${poller.address} ${userAgent}`;
      own.delete(key);
      own.set(key, { ...poller, userAgent, polledAt: now().toISOString() });
      const [oldest = key] = own.keys();
      if (own.size > MAX_POLLERS) own.delete(oldest);
    },
    of(fleet) {
      const since = new Date(now().getTime() - FORGET_POLLER_MS).toISOString();
      return [...(fleets.get(fleet)?.values() ?? [])].filter(({ polledAt }) => polledAt > since).reverse();
    },
  };
}
