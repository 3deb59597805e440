/**
 * One release of the chart on the cluster, worked with as its users do.
 *
 * @module
 */

import { command } from "@pipeline/tools/servers";
import { isTrue, Kube, type Resource, until } from "./_kube.ts";

/** Folder of the chart. */
export const CHART = "charts/reddit-pipeline";

/** Flags of Helm that set values, by their paths. */
export function setFlags(values: Readonly<Record<string, string | number | boolean>>): string[] {
  return Object.entries(values).flatMap(([path, value]) => ["--set", `${path}=${value}`]);
}

/** Flags of Helm that take files of values, relative to the chart. */
export function valueFlags(...files: readonly string[]): string[] {
  return files.flatMap((file) => ["--values", `${CHART}/${file}`]);
}

/** The servers' own images over the stand-ins that the test's values name, where IMAGES asks for them. */
export const IMAGE_FLAGS: readonly string[] = Deno.env.get("IMAGES") === "official"
  ? setFlags({
    "kafka.image.repository": "apache/kafka",
    "hdfs.image.repository": "apache/hadoop",
    "elasticsearch.image.repository": "elasticsearch",
  })
  : [];

/** Seconds that a release may take until all of it runs, on two cores. */
const UP = 600;

/** Seconds that a Job may take. */
const JOB = 420;

/** Kinds of pods that run all the time, by their label `app.kubernetes.io/component`. */
export const COMPONENTS = [
  "kafka",
  "namenode",
  "datanode",
  "elasticsearch",
  "generator",
  "ingest",
  "speed",
  "serving",
] as const;

/** What `/v1/status` says, as far as tests go. */
export interface Status {
  /** What was folded. */
  readonly layers: {
    readonly batch: { readonly records: number };
    readonly speed: { readonly records: number };
  };
  /** Where it comes from. */
  readonly provenance: {
    readonly generation: number;
    readonly lag: number | null;
    readonly partial: boolean;
    readonly folded: Readonly<Record<string, readonly (number | null)[]>>;
  };
}

/** A release. */
export class Release {
  /** Its namespace. */
  readonly kube: Kube;

  /** Nothing is installed yet. */
  constructor(readonly name: string, readonly namespace: string) {
    this.kube = new Kube(namespace);
  }

  /** Selects objects of the release, of one component where it is given. */
  selector(component?: string): string {
    const release = `app.kubernetes.io/instance=${this.name}`;
    return component === undefined
      ? release
      : `${release},app.kubernetes.io/component=${component}`;
  }

  /** Runs Helm in the release's namespace. */
  helm(...args: string[]): Promise<string> {
    return command("scripts/helm", ["--namespace", this.namespace, ...args]);
  }

  /** Runs a target of the Makefile on the release. */
  make(target: string, values: readonly string[] = []): Promise<string> {
    return command("make", [target], {
      timeout: 1_200_000,
      lines: 1_000,
      env: { NAMESPACE: this.namespace, RELEASE: this.name, VALUES: values.join(" ") },
    });
  }

  /** Waits until all that was installed runs, and what is done once is done. */
  async up(): Promise<void> {
    const kinds = "statefulset,deployment,job";
    await until("not everything of the release runs", UP, async () => {
      const all = await this.kube.list(kinds, this.selector());
      const failed = all.find((one) => one.kind === "Job" && isTrue(one, "Failed"));
      if (failed !== undefined) throw new Error(`${failed.metadata.name} has failed`);
      const waiting = all.filter((one) => !isUp(one)).map((one) => one.metadata.name);
      if (waiting.length > 0) throw new Error(`Still waiting for ${waiting.join(", ")}`);
      return all.length > 0;
    });
  }

  /** The pods of a component that are not on their way out. */
  async pods(component: string): Promise<Resource[]> {
    const pods = await this.kube.list("pod", this.selector(component));
    return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** Records a second that the generator is configured to make. */
  async rate(): Promise<number> {
    const { data } = await this.kube.get("configmap", `${this.name}-generator`);
    return JSON.parse(data["config.json"]).realtime.rate;
  }

  /** What the serving layer says of itself. */
  status(): Promise<Status> {
    return this.kube.ask(`${this.name}-serving`, "http", "/v1/status");
  }

  /** Waits until speed has folded, and serving shows, records that did not exist when this was called. */
  async flows(seconds: number): Promise<Status> {
    let before: number | undefined;
    return await until("no new records are served", seconds, async () => {
      const status = await this.status();
      const { generation, lag, partial, folded } = status.provenance;
      const sum = Object.values(folded).flat().reduce<number>(
        (all, offset) => all + (offset ?? 0),
        0,
      );
      before ??= sum;
      return generation > 0 && !partial && lag !== null && lag < 2_000 && sum > before + 20 &&
        status;
    });
  }

  /** Makes a Job of a CronJob, and resolves with its log when it is done. */
  async run(cronJob: string): Promise<string> {
    const job = `${this.name}-${cronJob}-${Date.now()}`;
    await this.kube.run("create", "job", job, `--from=cronjob/${this.name}-${cronJob}`);
    const done = await until(`${job} is not done`, JOB, async () => {
      const found = await this.kube.get("job", job);
      return (isTrue(found, "Complete") || isTrue(found, "Failed")) && found;
    });
    const log = await this.kube.run("logs", `job/${job}`, "--tail", "40");
    if (!isTrue(done, "Complete")) {
      throw new Error(`${job} has failed:\n${log}`);
    }
    await this.kube.run("delete", "job", job);
    return log;
  }

  /** Recomputes everything that is served. Rejects where anything differs. */
  verify(): Promise<string> {
    return this.run("batch-verify");
  }
}

/** The release that NAMESPACE and RELEASE name, as the Makefile's targets take them. */
export function fromEnvironment(): Release {
  const { NAMESPACE = "", RELEASE = "" } = Deno.env.toObject();
  return new Release(RELEASE || "reddit", NAMESPACE || "reddit-pipeline");
}

function isUp({ kind, metadata, spec, status = {} }: Resource): boolean {
  if (kind === "Job") return (status.succeeded ?? 0) > 0;
  return status.observedGeneration === metadata.generation &&
    (status.updatedReplicas ?? 0) === spec.replicas &&
    (status.readyReplicas ?? 0) === spec.replicas && (status.replicas ?? 0) === spec.replicas;
}
