/**
 * Where faults are shown: real servers, and the jobs on them as processes.
 *
 * One set of servers serves several *worlds* after one another, each with topics, a folder in HDFS and
 * indices of its own, with some history and a first generation. A world is left for the
 * next one when it has grown large, since each check reads all of it, or when a case has destroyed
 * what cannot be made whole.
 *
 * @module
 */

import { elasticsearchConfig, openElasticsearch } from "@pipeline/adapters/elasticsearch";
import { hdfsConfig, openHdfs } from "@pipeline/adapters/hdfs";
import { kafkaConfig, openKafka } from "@pipeline/adapters/kafka";
import type { EventLog, MasterDataset, ServingStore } from "@pipeline/core";
import type { InjectedRecord } from "@pipeline/generator";
import { readJsonLines } from "@pipeline/protocol";
import { type Servers, type ServersOptions, startServers } from "@pipeline/tools/servers";
import { freePort } from "../support/demo.ts";
import { Audit } from "./_audit.ts";
import { repair, withAdmin } from "./_cluster.ts";
import {
  adapters,
  type Endpoints,
  endpointsOf,
  generatorConfig,
  prefixOf,
  RATE,
  type Records,
  settingsOf,
  type Tuning,
} from "./_configs.ts";
import { JobProcess } from "./_process.ts";

/** Records after which a world is left. */
const LARGE = 250_000;

/** The jobs that run all the time. */
const JOBS = ["generator", "ingest", "speed", "serving"] as const;

/** One of the jobs that run all the time. */
export type JobName = typeof JOBS[number];

/** What each job is connected with. */
const NEEDS: Readonly<Record<JobName | "batch", readonly ("kafka" | "hdfs" | "elasticsearch")[]>> =
  {
    generator: ["kafka", "hdfs"],
    ingest: ["kafka", "hdfs"],
    speed: ["kafka", "elasticsearch"],
    serving: ["kafka", "elasticsearch"],
    batch: ["kafka", "hdfs", "elasticsearch"],
  };

/** A world, and how the tests look into it. */
interface World {
  readonly number: number;
  readonly records: Records;
  readonly log: EventLog;
  readonly dataset: MasterDataset;
  readonly store: ServingStore;
  readonly audit: Audit;
  readonly end: number;
  acknowledged: number;
}

/** What jobs may be given beside what the stage gives them. */
export interface Special {
  /** In place of the servers' own addresses. */
  readonly endpoints?: Partial<Endpoints>;
  /** Over the job's usual settings. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** In place of the job's usual command. */
  readonly args?: readonly string[];
}

/** How a stage is set. */
export interface StageOptions {
  /** Records a second that the generator makes; {@linkcode RATE} where not given. */
  readonly rate?: number;
  /** How its servers run. */
  readonly servers?: Pick<ServersOptions, "steady" | "inMemory">;
  /** How its jobs are set; for faults where not given. */
  readonly tuning?: Tuning;
}

/** A stage; see the module. */
export class Stage implements AsyncDisposable {
  readonly servers: Servers;
  readonly #jobs = new Map<string, JobProcess>();
  readonly #print: (line: string) => void;
  /** Records a second that the generator makes. */
  readonly rate: number;
  readonly #tuning: Tuning;
  /** Where serving listens. */
  readonly #apiPort = freePort();
  /** Where processes of speed answer questions: the first one, and two beside it. */
  readonly #partsPorts = [freePort(), freePort(), freePort()] as const;
  #world: World | undefined;
  #worlds = 0;
  #runs = 0;

  private constructor(
    servers: Servers,
    print: (line: string) => void,
    { rate = RATE, tuning = "faults" }: StageOptions,
  ) {
    this.servers = servers;
    this.#print = print;
    this.rate = rate;
    this.#tuning = tuning;
  }

  /** Starts servers and the first world. */
  static async open(
    print: (line: string) => void,
    options: StageOptions = {},
  ): Promise<Stage> {
    const stage = new Stage(await startServers(options.servers ?? {}), print, options);
    try {
      await stage.renew();
    } catch (error) {
      const output = await stage.transcript();
      await stage[Symbol.asyncDispose]();
      throw new Error(`The stage could not be set: ${error}\n${output}`, { cause: error });
    }
    return stage;
  }

  /** The log, for looking into it. */
  get log(): EventLog {
    return this.#here.log;
  }

  /** The dataset, for looking into it. */
  get dataset(): MasterDataset {
    return this.#here.dataset;
  }

  /** The store, for looking into it. */
  get store(): ServingStore {
    return this.#here.store;
  }

  /** The world's audit. */
  get audit(): Audit {
    return this.#here.audit;
  }

  /** Files that the generator writes. */
  get records(): Records {
    return this.#here.records;
  }

  /** What disorder was injected in this world, as the generator wrote it down. */
  async injected(): Promise<InjectedRecord[]> {
    const found: InjectedRecord[] = [];
    for await (const line of readJsonLines(this.records.manifest)) {
      found.push(line as InjectedRecord);
    }
    return found;
  }

  /** What the names of the world's topics, groups and indices begin with. */
  get prefix(): string {
    return prefixOf(this.#here.number);
  }

  /** The world's root in HDFS. */
  get root(): string {
    return this.#adapters(this.#here.number).hdfs.root;
  }

  get #here(): World {
    if (this.#world === undefined) throw new Error("The stage has no world");
    return this.#world;
  }

  /** URL of the API. */
  get api(): string {
    return `http://127.0.0.1:${this.#apiPort}`;
  }

  /** All processes of jobs that run or are to run. */
  get processes(): readonly JobProcess[] {
    return [...this.#jobs.values()];
  }

  /** One of the jobs that run all the time. */
  job(name: JobName): JobProcess {
    return this.#jobs.get(name)!;
  }

  /** Starts another process of a job beside those that run; it is gone after the case. */
  async another(job: JobName, special: Special = {}): Promise<JobProcess> {
    const { args = ["run"] } = special;
    const process = this.#process(`${job}-${++this.#runs}`, job, args, special);
    this.#jobs.set(process.name, process);
    await process.start();
    return process;
  }

  /** Replaces a job by one that is configured in another way, until {@linkcode restore}. */
  async replace(job: JobName, special: Special): Promise<void> {
    await this.job(job).stop();
    const process = this.#process(job, job, special.args ?? commandOf(job), special);
    this.#jobs.set(job, process);
    const from = (await process.output()).length;
    await process.start();
    // Before it has begun nobody can tell it to end.
    await process.says(/"level"/, { from });
  }

  /** Runs a command of a job to its end, beside everything else. */
  async once(job: "generator" | "ingest" | "batch", args: readonly string[]): Promise<JobProcess> {
    const process = this.#process(`${job}-${++this.#runs}`, job, args, {}, true);
    await process.start();
    return process;
  }

  /** The same, which must succeed. Returns what it wrote. */
  async complete(job: "generator" | "ingest" | "batch", args: readonly string[]): Promise<string> {
    const process = await this.once(job, args);
    const { code } = await process.ended;
    const output = await process.output();
    if (code !== 0) throw new Error(`${job} ${args.join(" ")} ended with ${code}:\n${output}`);
    return output;
  }

  /** Starts what a world consists of besides the generator, unless it runs. */
  async startJobs(): Promise<void> {
    for (const name of JOBS) {
      if (name !== "generator" && !this.job(name).wanted) await this.job(name).start();
    }
  }

  /** Ends the processes that a case has added, and sets those back that it has replaced. */
  async restore(): Promise<void> {
    for (const [name, process] of this.#jobs) {
      if ((JOBS as readonly string[]).includes(name)) continue;
      process.resume();
      await process.stop();
      this.#jobs.delete(name);
    }
    for (const name of JOBS) this.job(name).resume();
    await repair(this.servers);
    await this.startJobs();
  }

  /** Counts what a case has produced; says whether it is time for another world. */
  grow(acknowledged: number): boolean {
    this.#here.acknowledged += acknowledged;
    return this.#here.acknowledged > LARGE;
  }

  /** Leaves the world for a new one. */
  async renew(): Promise<void> {
    await this.#leave();
    await repair(this.servers);
    const number = ++this.#worlds;
    const started = performance.now();
    const folder = `${this.servers.data}/world-${number}`;
    const records = { ledger: `${folder}/ledger.jsonl`, manifest: `${folder}/manifest.jsonl` };
    const { kafka, hdfs, elasticsearch } = this.#adapters(number);
    const log = openKafka(kafkaConfig.parse(kafka));
    const dataset = openHdfs(hdfsConfig.parse(hdfs));
    const store = openElasticsearch(elasticsearchConfig.parse(elasticsearch));
    const audit = new Audit(log, records.ledger);
    const end = Math.floor(Date.now() / 60_000) * 60_000;
    this.#world = { number, records, log, dataset, store, audit, end, acknowledged: 0 };
    for (const name of JOBS) {
      this.#jobs.set(name, this.#process(name, name, commandOf(name), {}));
    }
    await this.complete("ingest", ["setup"]);
    await this.complete("batch", ["setup"]);
    await this.complete("generator", ["historical"]);
    await this.complete("ingest", ["bootstrap"]);
    await this.startJobs();
    await this.complete("batch", ["run"]);
    this.#print(
      `World ${number}: history and a generation after ${seconds(performance.now() - started)}`,
    );
  }

  /** What the jobs' processes wrote last, for messages. */
  async transcript(): Promise<string> {
    const parts: string[] = [];
    for (const process of this.processes) {
      const lines = (await process.output()).trimEnd().split("\n").slice(-12);
      parts.push(`--- ${process.name}\n${lines.map((line) => line.slice(0, 600)).join("\n")}`);
    }
    return parts.join("\n");
  }

  /** Ends the jobs and the servers. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.processes) {
      process.resume();
      await process.stop("SIGKILL");
    }
    await this.#closePorts();
    await this.servers[Symbol.asyncDispose]();
  }

  /** Ends the world's jobs at once, and removes its topics, whose names the next world needs. */
  async #leave(): Promise<void> {
    if (this.#world === undefined) return;
    for (const process of this.processes) {
      process.resume();
      await process.stop("SIGKILL");
    }
    this.#jobs.clear();
    await repair(this.servers);
    const { dataset, store } = this.#here;
    for (const entry of await dataset.list("/")) await dataset.remove(`/${entry.name}`);
    const current = await store.current();
    for (const generation of await store.generations()) {
      if (generation !== current) await store.dropGeneration(generation);
    }
    await this.#closePorts();
    const prefix = prefixOf(this.#worlds);
    await withAdmin(this.servers, async (admin) => {
      const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
      await admin.deleteTopics({ topics });
    });
  }

  async #closePorts(): Promise<void> {
    const world = this.#world;
    this.#world = undefined;
    if (world === undefined) return;
    const ports = [world.log, world.dataset, world.store];
    await Promise.allSettled(ports.map((port) => port.close()));
  }

  #adapters(world: number, endpoints: Partial<Endpoints> = {}) {
    const reached = { ...endpointsOf(this.servers), ...endpoints };
    return adapters(reached, { world, tuning: this.#tuning });
  }

  #partsPort(name: string): number {
    return name === "speed" ? this.#partsPorts[0] : this.#partsPorts[1 + this.#runs % 2]!;
  }

  #process(
    name: string,
    job: JobName | "batch",
    args: readonly string[],
    { endpoints = {}, settings = {} }: Special,
    once = false,
  ): JobProcess {
    const { number, records, end } = this.#here;
    const usual = settingsOf(this.#tuning);
    const speed = { urls: this.#partsPorts.map((port) => `http://127.0.0.1:${port}`) };
    const own = job === "generator"
      ? generatorConfig(records, { end, rate: this.rate, tuning: this.#tuning })
      : job === "serving"
      ? { ...usual.serving, port: name === job ? this.#apiPort : freePort(), speed }
      : job === "speed"
      ? { ...usual.speed, parts: { host: "127.0.0.1", port: this.#partsPort(name) } }
      : job === "batch"
      ? { ...usual.batch, speed }
      : usual[job];
    const parts = this.#adapters(number, endpoints);
    const needed = Object.fromEntries(NEEDS[job].map((part) => [part, parts[part]]));
    return new JobProcess({
      name,
      job,
      args,
      folder: `${this.servers.data}/job-${number}-${name}`,
      config: { ...needed, ...own, ...settings },
      once,
    });
  }
}

function commandOf(job: JobName): readonly string[] {
  return job === "generator" ? ["realtime"] : ["run"];
}

/** A duration for people. */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
