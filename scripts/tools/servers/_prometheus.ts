/**
 * Prometheus, built once with Go at the Chartfile's version, and `promtool`.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { upstream } from "./artifacts.ts";
import { makeOnce, serverCache } from "./_cache.ts";
import { command } from "./command.ts";
import { debianPackage } from "./_debian.ts";

/** Service discovery other than Kubernetes' would need the libraries of every cloud. */
const TAGS = "remove_all_sd,enable_kubernetes_sd,netgo";

/** A build takes minutes. */
const TIMEOUT = 1_200_000;

/**
 * The program's path. It lacks the web pages, which are not part of the Go module.
 *
 * @throws {PipelineError} `invalid` if there is no Go, or the Chartfile's version has another form.
 */
export async function prometheus(): Promise<string> {
  const version = await prometheusVersion();
  const folder = await makeOnce(`${serverCache()}/prometheus-${version}`, async (folder) => {
    console.error(`Building Prometheus ${version} with Go (once, some minutes)`);
    const module = `github.com/prometheus/prometheus/cmd/prometheus@${moduleVersion(version)}`;
    await command("go", ["install", "-trimpath", "-ldflags", "-s -w", "-tags", TAGS, module], {
      env: { GOBIN: folder, CGO_ENABLED: "0" },
      timeout: TIMEOUT,
    });
  });
  return `${folder}/prometheus`;
}

/** The version that the chart runs, without its `v`. */
export async function prometheusVersion(): Promise<string> {
  return (await upstream("prometheus", /^v\d+\.\d+\.\d+$/)).slice(1);
}

/** The version of the Go module: Prometheus 3.16.0 is its 0.316.0. */
export function moduleVersion(version: string): string {
  const [, minor, patch] = /^3\.(\d{1,2})\.(\d+)$/.exec(version) ?? [];
  if (minor === undefined) {
    throw new PipelineError(
      "invalid",
      `Prometheus ${version} is not 3.x.y: its Go module is unknown`,
    );
  }
  return `v0.3${minor.padStart(2, "0")}.${patch}`;
}

/**
 * The path of `promtool`: the one on the PATH, or else Debian's.
 *
 * @throws {PipelineError} `invalid` if there is neither.
 */
export async function promtool(): Promise<string> {
  const found = await command("promtool", ["--version"]).then(() => true, () => false);
  return found ? "promtool" : `${await debianPackage("prometheus")}/usr/bin/promtool`;
}
