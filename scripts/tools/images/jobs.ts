/**
 * The permissions of each job and its binary's content besides imported modules: as little as
 * possible.
 *
 * @module
 */

/** Jobs with an image. */
export const JOBS = ["generator", "ingest", "batch", "speed", "serving"] as const;

/** A job with an image. */
export type JobName = (typeof JOBS)[number];

/** The image of one job. */
export interface JobSpec {
  /** One line, for the image's label. */
  readonly summary: string;
  /** Folders that it reads, besides those that all jobs read. */
  readonly read?: readonly string[];
  /** Entry points of threads and folders of files, from the root of the repository. */
  readonly include?: readonly string[];
}

/** Folder of every job's configuration and secrets. */
export const CONFIG_FOLDER = "/etc/reddit-pipeline";

/**
 * The only folder that jobs may write: its content lives as long as the pod, unless it is mounted.
 */
export const SCRATCH_FOLDER = "/tmp";

/** All jobs. */
export const JOB_SPECS: Readonly<Record<JobName, JobSpec>> = {
  generator: {
    summary: "Where records come from: generated history, live traffic, real archives",
    read: ["/archives"],
  },
  ingest: { summary: "Historical loads and the log into the master dataset, each record once" },
  batch: {
    summary: "The batch layer: from the dataset to view generations",
    include: ["jobs/batch/day_worker.ts"],
  },
  speed: { summary: "The speed layer: the log from each generation's horizon, folded as it comes" },
  serving: {
    summary: "The serving layer: merged answers over HTTP, and a page that shows them",
    include: ["jobs/serving/page"],
  },
};

/**
 * The permissions that are compiled into a job's binary. It may not run programs or native code.
 */
export function permissions({ read = [] }: JobSpec): string[] {
  return [
    "--no-prompt",
    // Brokers and DataNodes are discovered at run time: no list of hosts would suffice.
    "--allow-net",
    `--allow-read=${[CONFIG_FOLDER, SCRATCH_FOLDER, ...read].join(",")}`,
    `--allow-write=${SCRATCH_FOLDER}`,
    // Its own variables; all others are ignored.
    "--allow-env=CONFIG__*",
    "--ignore-env",
    // The client of Elasticsearch reports its platform.
    "--allow-sys=osRelease",
  ];
}
