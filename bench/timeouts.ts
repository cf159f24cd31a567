/**
 * `npm run timeouts`: plays every situation of docs/timeouts.md on the three real proxies and prints what client and endpoint saw, and
 * when. An argument: only situations whose name holds it. `!`: other than the table says.
 */
import { playAll, type Row } from "../src/suite/timeouts/play.ts";
import { expectedOf, nameOf } from "../src/suite/timeouts/situation.ts";
import { situations } from "../src/suite/timeouts/situations.ts";
import { KINDS, startStand } from "../src/suite/timeouts/stand.ts";

const WIDTHS = { name: 90, proxy: 36 } as const;

const wanted = situations.filter((situation) => nameOf(situation).includes(process.argv[2] ?? ""));
const stand = await startStand(wanted);
let others = 0;
try {
  const rows = await playAll(stand, wanted);
  for (const [index, situation] of wanted.entries()) {
    const cells = KINDS.map((proxy) => {
      const { seen, milliseconds, endpoint } = (rows[index] as Row)[proxy];
      const isExpected = seen === expectedOf(situation, proxy);
      if (!isExpected) others++;
      const time = `${(milliseconds / 1000).toFixed(1)} s`;
      return `${isExpected ? " " : "!"} ${proxy}: ${seen}, ${time}; ${endpoint}`.padEnd(WIDTHS.proxy + proxy.length);
    });
    process.stdout.write(`${nameOf(situation).padEnd(WIDTHS.name)}${cells.join("")}\n`);
  }
  process.stdout.write(`${wanted.length} situations on ${KINDS.length} proxies; ${others} other than the table says\n`);
} finally {
  await stand.stop();
}
process.exitCode = others === 0 ? 0 : 1;
