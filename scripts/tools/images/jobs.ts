/**
 * What each job may do and what its binary holds besides the modules it imports: the least that does.
 *
 * @module
 */

/** Jobs that have an image. */
export const JOBS = ["generator", "ingest", "batch", "speed", "serving"] as const;

/** A job that has an image. */
export type JobName = (typeof JOBS)[number];

/** Of one job. */
export interface JobSpec {
  /** One line, for the image's label. */
  readonly summary: string;
  /** Folders that it reads, besides those that every job does. */
  readonly read?: readonly string[];
  /** Entries of threads and folders of files, from the root of the repository. */
  readonly include?: readonly string[];
}

/** Where every job finds its configuration and its secrets. */
export const CONFIG_FOLDER = "/etc/reddit-pipeline";

/** The one place that every job may write: what is there only while the pod is, or was mounted there. */
export const SCRATCH_FOLDER = "/tmp";

/** All jobs. */
export const JOB_SPECS: Readonly<Record<JobName, JobSpec>> = {
  generator: {
    summary: "Where records come from: generated history, live traffic, real archives",
    read: ["/archives"],
  },
  ingest: { summary: "Historical loads and the log into the master dataset, each record once" },
  batch: {
    summary: "The batch layer: the dataset into view generations",
    include: ["jobs/batch/day_worker.ts"],
  },
  speed: { summary: "The speed layer: the log from each generation's horizon, folded as it comes" },
  serving: {
    summary: "The serving layer: merged answers over HTTP, and a page that shows them",
    include: ["jobs/serving/page"],
  },
};

/** The permissions that are compiled into a job's binary. Programs and native code it may not run at all. */
export function permissions({ read = [] }: JobSpec): string[] {
  return [
    "--no-prompt",
    // Brokers and DataNodes name one another at run time: no list of hosts would hold.
    "--allow-net",
    `--allow-read=${[CONFIG_FOLDER, SCRATCH_FOLDER, ...read].join(",")}`,
    `--allow-write=${SCRATCH_FOLDER}`,
    // Its own variables; every other one is as if it were not there.
    "--allow-env=CONFIG__*",
    "--ignore-env",
    // The client of Elasticsearch says what it runs on.
    "--allow-sys=osRelease",
  ];
}
