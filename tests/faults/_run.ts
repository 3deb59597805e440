/**
 * Runs one case on a stage under load, and then proves that nothing is lost, doubled or wrong.
 *
 * @module
 */

import { pause } from "../support/demo.ts";
import type { Audited } from "./_audit.ts";
import { type FaultCase, nameOf, type Outcome, type Recovery, type Scene } from "./_case.ts";
import { seconds, type Stage } from "./_stage.ts";
import { Watch } from "./_watch.ts";

/** What `batch verify` prints at its end. */
interface Report {
  readonly exact: boolean;
  readonly generation: number;
  readonly differences: number;
  readonly ledger: { readonly acknowledged: number; readonly beyond: number };
  readonly memory: { readonly parts: number; readonly of_parts: number };
}

/** Runs a case. The outcome says where it does not hold; only a stage of no use rejects. */
export async function runCase(stage: Stage, fault: FaultCase): Promise<Outcome> {
  const done: string[] = [];
  const notes: string[] = [];
  const recoveries: Recovery[] = [];
  let check: Checked | undefined;
  let failure: string | undefined;
  const watch = new Watch(stage);
  let since = 0;
  const scene: Scene = {
    stage,
    note: (text) => void notes.push(text),
    wait: (time) => pause(time * 1_000),
    act: async (what, work) => {
      done.push(what);
      since = performance.now();
      return await work();
    },
    recovered: async (options) => {
      const after = await watch.recovered({ since, ...options });
      // Before the first act there is nothing to recover from: the case has only set its scene.
      if (done.length === 0) return;
      recoveries.push({ from: done.length > 1 ? done.at(-1)! : "", after });
    },
  };
  try {
    await underLoad(stage, watch);
    if (fault.last === true) {
      check = await prove(stage, watch, fault);
      await underLoad(stage, watch);
    }
    since = performance.now();
    await fault.run(scene);
    if (fault.last !== true) {
      await stage.restore();
      check = await prove(stage, watch, fault);
    }
  } catch (error) {
    failure = `${error instanceof Error ? error.message : error}\n${await stage.transcript()}`;
  }
  failure ??= check?.problems.join("; ") || undefined;
  const { audited, report } = check ?? {};
  return {
    name: nameOf(fault),
    done,
    notes,
    recoveries,
    acknowledged: audited?.acknowledged ?? 0,
    ledger: audited === undefined ? "-" : ledgerText(audited, fault),
    verify: report === undefined ? "-" : verifyText(report),
    ambiguous: audited === undefined ? "-" : ambiguousText(audited),
    ...(failure === undefined ? {} : { failure }),
  };
}

/** Makes records flow, and waits until all is well. */
async function underLoad(stage: Stage, watch: Watch): Promise<void> {
  const generator = stage.job("generator");
  if (!generator.wanted) await generator.start();
  await watch.recovered({ since: performance.now() });
}

interface Checked {
  readonly audited: Audited;
  readonly report: Report;
  /** What is not as it must be. */
  readonly problems: readonly string[];
}

/** Stops producing, waits for the rest, and compares everything with everything. */
async function prove(stage: Stage, watch: Watch, fault: FaultCase): Promise<Checked> {
  const problems: string[] = [];
  const { code } = await stage.job("generator").stop();
  if (code !== 0) problems.push(`the generator ended with ${code}`);
  await watch.drained();
  const audited = await stage.audit.check();
  const { lost, strays, unlettered } = audited;
  if (lost.length > 0) problems.push(`${lost.length} acknowledged are lost: ${some(lost)}`);
  if (strays.length > 0 && fault.unledgered !== true) {
    problems.push(`${strays.length} in the log are unknown to the ledger: ${some(strays)}`);
  }
  if (unlettered.length > 0) {
    problems.push(`${unlettered.length} have no dead letter: ${some(unlettered)}`);
  }
  if (audited.acknowledged === 0) problems.push("nothing was acknowledged");
  for (const process of stage.processes) {
    if (process.crashes > 0 && fault.crashes !== true) {
      problems.push(`${process.name} ended ${process.crashes} times by itself`);
    }
    process.forgive();
  }
  const { ledger } = stage.records;
  const verify = await stage.once("batch", ["verify", "--merged", `--ledger=${ledger}`]);
  await verify.ended;
  const output = await verify.output();
  const report = lastReport(output);
  if (!report.exact) problems.push(`verify differs: ${output.slice(0, 2_000)}`);
  if (report.memory.parts === 0) {
    problems.push("verify compared nothing of what speed has in memory");
  }
  if (report.ledger.beyond > 0) problems.push(`${report.ledger.beyond} are not in the dataset`);
  return { audited, report, problems };
}

function lastReport(output: string): Report {
  for (const line of output.trimEnd().split("\n").toReversed()) {
    try {
      const report = JSON.parse(line);
      if (typeof report.exact === "boolean") return report;
    } catch {
      // A line of another kind.
    }
  }
  throw new Error(`verify gave no report:\n${output.slice(-4_000)}`);
}

function some(places: readonly string[]): string {
  return places.slice(0, 5).join(", ") + (places.length > 5 ? ", ..." : "");
}

function ledgerText({ lost, strays }: Audited, { unledgered }: FaultCase): string {
  if (lost.length > 0) return `${lost.length} lost`;
  if (strays.length === 0) return "= dataset";
  return unledgered === true
    ? `= dataset (${strays.length} more that the killed generator had not written down)`
    : `${strays.length} unknown`;
}

function ambiguousText({ ambiguous, copies }: Audited): string {
  return ambiguous === 0 ? "none" : `${ambiguous} named, ${copies} are there twice`;
}

function verifyText({ exact, generation, differences, memory }: Report): string {
  if (!exact) return `${differences} differences`;
  return `exact (generation ${generation}, memory of ${memory.parts} of ${memory.of_parts} parts)`;
}

/** How long a case took to recover, for people. */
export function recoveryText({ recoveries }: Outcome): string {
  const parts = recoveries.map(({ from, after }) => {
    const time = after === 0 ? "not disturbed" : seconds(after);
    return from === "" ? time : `${time} (${from})`;
  });
  return parts.join("; ") || "-";
}

/** The outcome in a line, and where it fails, why. */
export function outcomeText(outcome: Outcome): string {
  const { name, acknowledged, ledger, verify, ambiguous, failure, notes } = outcome;
  const parts = [
    failure === undefined ? "holds" : "FAILS",
    `recovery ${recoveryText(outcome)}`,
    `${acknowledged} acknowledged`,
    `ledger ${ledger}`,
    `verify ${verify}`,
    `ambiguous ${ambiguous}`,
    ...notes,
  ];
  return `${name}: ${parts.join(", ")}${failure === undefined ? "" : `\n${failure}`}`;
}
