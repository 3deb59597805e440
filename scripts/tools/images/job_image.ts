/**
 * The image of a job: its binary, the C library, certificates, what is in it, and no more.
 *
 * @module
 */

import { hashFiles, labels, type Recipe } from "./build.ts";
import { compileFlags, compileJob } from "./compile.ts";
import { CONFIG_FOLDER, JOB_SPECS, type JobName } from "./jobs.ts";
import { copyLibraries, libraries, makeRoot } from "./root.ts";
import { billOfMaterials } from "./sbom.ts";
import { type JobSources, jobSources, ROOT } from "./sources.ts";

/** Who a job runs as: nobody in particular. */
const USER = { name: "nonroot", id: 65532 };

/** What may differ between two images of a job. */
export interface JobImageOptions {
  /** The commit that it was built from, where that is to be in it. */
  readonly revision?: string | undefined;
  /** With Deno's OpenTelemetry, which a binary has from when it is compiled or not at all; the tag says so. */
  readonly otel?: boolean;
}

/** How a job's image is made. */
export async function jobRecipe(
  job: JobName,
  { revision, otel = false }: JobImageOptions,
): Promise<Recipe> {
  const spec = JOB_SPECS[job];
  const sources = await jobSources(job, spec);
  const { version, manifest, lock, files, standIns } = sources;
  // The base binary of `deno compile` needs the libraries that Deno needs.
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
        // The file of certificates is the one that counts, so that mounting another one has an effect.
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

/** Lays out a job's root file system in a folder that does not exist. */
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
