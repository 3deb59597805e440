/** Commits are gathered, published and read at the same time, by runs that know nothing of another. */

import { assert, assertEquals } from "@std/assert";
import { type Commit, CommitLog } from "@pipeline/protocol";
import { SimulatedCrash } from "@pipeline/adapters/testing";
import { Process } from "./_process.ts";
import { seeded, World } from "./_world.ts";

const SEEDS = Deno.env.has("SIM_LONG") ? 5_000 : 150;

function commit(start: number, end: number, token: string): Commit {
  const last = { offset: end - 1, hash: "0000000000000000" };
  const nothing = { files: [], records: 0, dead_letters: [], last };
  return { topic: "reddit.posts", partition: 0, start, end, token, ...nothing };
}

async function life(seed: number): Promise<void> {
  const world = new World(seed, { partitions: 1 });
  const { random, scheduler, ports } = world;
  const crashing = random.pick([0, 0.003]);
  scheduler.fate = () => random.chance(crashing) ? new SimulatedCrash() : undefined;
  /** Commits that their writers were told of, in the order of offsets. */
  const published: Commit[] = [];
  const looks: { readonly from: number; readonly least: number; readonly found: Commit[] }[] = [];
  let running = 0;
  const start = (work: (log: CommitLog, job: Process) => Promise<unknown>) => {
    const process = new Process("job", ports, scheduler);
    running++;
    let over = false;
    const end = (error?: unknown) => {
      if (over) return;
      over = true;
      running--;
      if (error !== undefined && !process.dead) scheduler.fail(error);
      process.kill();
    };
    process.onKill = end;
    work(new CommitLog(process.ports.dataset), process).then(() => end(), end);
  };
  const look = async (log: CommitLog, from: number) => {
    const least = published.at(-1)?.end ?? 0;
    const { commits } = await log.read("reddit.posts", 0, from);
    looks.push({ from, least, found: [...commits] });
    assert(((await log.last("reddit.posts", 0))?.end ?? 0) >= least, "The last commit is older");
  };
  // Two writers that may both believe that they are next, one of them late.
  const writer = async (log: CommitLog, process: Process) => {
    for (let i = 0; i < 25; i++) {
      const before = await log.last("reddit.posts", 0);
      if (random.chance(0.2)) await process.clock.sleep(random.int(40));
      const at = before?.end ?? 0;
      const mine = commit(at, at + random.between(1, 3), `${process.name}-${i}`);
      const standing = await log.publish(mine, `/data/_tmp/${process.name}/${i}`);
      if (standing.token === mine.token) published.push(mine);
      await process.clock.sleep(1);
    }
  };
  start(writer);
  start(writer);
  for (let i = 0; i < 12; i++) {
    const later = random.int(60);
    scheduler.after(later, () =>
      start(async (log) => {
        const known = random.int(published.length + 1);
        const upTo = published.slice(0, known).at(-1)?.end ?? 0;
        await log.checkpoint("reddit.posts", 0, upTo, random.pick([1, 3]));
      }));
    scheduler.after(
      random.int(60),
      () => start((log) => look(log, random.pick([0, ...published.map((c) => c.start)]))),
    );
  }
  let late = false;
  scheduler.after(61, () => late = true);
  await scheduler.run(() => late && running === 0);
  const { commits } = await new CommitLog(ports.dataset).read("reddit.posts", 0);
  assertEquals(commits[0]?.start ?? 0, 0);
  for (const mine of published) assertEquals(commits.filter((c) => c.start === mine.start), [mine]);
  for (const { from, least, found } of looks) {
    const wanted = commits.filter((c) => c.start >= from && c.end <= (found.at(-1)?.end ?? 0));
    assertEquals(found, wanted);
    assert(from >= least || (found.at(-1)?.end ?? 0) >= least, "A look back in time");
  }
}

Deno.test("CommitLog reads every commit once while others publish and compact them", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new World(seed);
    await seeded(world.random, () => life(seed)).catch((cause) => {
      throw new Error(`Seed ${seed} fails: ${cause.message}`, { cause });
    });
  }
});
