/**
 * The image of a job: its binary, the C library, certificates, its bill of materials, and nothing
 * else.
 *
 * @module
 */

import { hashFiles, labels, type Recipe } from "./build.ts";
import { compileFlags, compileJob } from "./compile.ts";
import { CONFIG_FOLDER, JOB_SPECS, type JobName } from "./jobs.ts";
import { copyLibraries, libraries, makeRoot } from "./root.ts";
import { billOfMaterials } from "./sbom.ts";
import { type JobSources, jobSources, ROOT } from "./sources.ts";

/** The unprivileged user of all jobs. */
const USER = { name: "nonroot", id: 65532 };

/** Variants of a job's image. */
export interface JobImageOptions {
  /** The commit that it was built from, if it is to be recorded. */
  readonly revision?: string | undefined;
  /** With Deno's OpenTelemetry, which is fixed at compile time; the tag shows it. */
  readonly otel?: boolean;
}

/** The recipe of a job's image. */
export async function jobRecipe(
  job: JobName,
  { revision, otel = false }: JobImageOptions,
): Promise<Recipe> {
  const spec = JOB_SPECS[job];
  const sources = await jobSources(job, spec);
  const { version, manifest, lock, files, standIns } = sources;
  // The base binary of `deno compile` needs the same libraries as Deno.
  const system = await hashFiles(await libraries([Deno.execPath()]));
  return {
    name: job,
    reference: `reddit-pipeline/${job}:${version}${otel ? "-otel" : ""}`,
    inputs: [
      ...[manifest, JSON.stringify(lock), JSON.stringify(compileFlags(spec))],
      ...[JSON.stringify(system), JSON.stringify(Deno.version), String(standIns !== undefined)],
      JSON.stringify(await hashFiles(files.map((path) => `${ROOT}/${path}`)))
        .replaceAll(`${ROOT}/`, ""),
    ],
    config: {
      user: `${USER.id}:${USER.id}`,
      entrypoint: ["/job"],
      env: {
        // The heap's limit follows the container's instead of the machine's.
        DENO_USE_CGROUPS: "1",
        // Use the file of certificates, so that mounting another one has an effect.
        DENO_TLS_CA_STORE: "system",
      },
      labels: {
        ...labels(job, spec.summary, version),
        "org.opencontainers.image.licenses": "MIT",
        ...revision === undefined ? {} : { "org.opencontainers.image.revision": revision },
      },
    },
    layers: async (folder) => {
      await layOutJob(job, { root: `${folder}/root`, sources, system, otel });
      await Deno.copyFile(`${folder}/root/${SBOM}`, `${folder}/sbom.cdx.json`);
      return [{ folder: `${folder}/root` }];
    },
  };
}

const SBOM = "usr/share/sbom/job.cdx.json";

/** Writes a job's root file system into a folder that does not exist. */
export async function layOutRoot(job: JobName, root: string): Promise<void> {
  Deno.umask(0o022);
  const sources = await jobSources(job, JOB_SPECS[job]);
  const system = await hashFiles(await libraries([Deno.execPath()]));
  await layOutJob(job, { root, sources, system });
}

async function layOutJob(
  job: JobName,
  { root, sources, system, otel = false }: {
    readonly root: string;
    readonly sources: JobSources;
    readonly system: Readonly<Record<string, string>>;
    readonly otel?: boolean;
  },
): Promise<void> {
  await makeRoot(root, [USER]);
  await Deno.mkdir(`${root}${CONFIG_FOLDER}`);
  const licenses = await compileJob(job, {
    spec: JOB_SPECS[job],
    sources,
    target: `${root}/job`,
    licenses: `${root}/usr/share/licenses`,
    otel,
  });
  await copyLibraries(root, [`${root}/job`]);
  await Deno.mkdir(`${root}/usr/share/sbom`, { recursive: true });
  await Deno.writeTextFile(
    `${root}/${SBOM}`,
    billOfMaterials({
      name: `reddit-pipeline/${job}`,
      version: sources.version,
      lock: sources.lock,
      licenses,
      system,
      standIns: sources.standIns !== undefined,
      deno: Deno.version.deno,
    }),
  );
}
