import { assertEquals } from "@std/assert";
import { JOB_SPECS, JOBS, permissions } from "../../scripts/tools/images/jobs.ts";

/** Tries what a job must not do and what it must be able to, and prints how each went. */
const PROBE = `
const outcomes = {};
const attempt = async (name, fn) => {
  try { await fn(); outcomes[name] = "done"; } catch (error) { outcomes[name] = error.name; }
};
await attempt("run", () => new Deno.Command("/bin/true").output());
await attempt("ffi", () => Deno.dlopen("libc.so.6", {}));
await attempt("write", () => Deno.writeTextFile("/var/x", ""));
await attempt("read", () => Deno.readTextFile("/etc/passwd"));
await attempt("host", () => Deno.hostname());
await attempt("scratch", () => Deno.remove(Deno.makeTempFileSync({ dir: "/tmp" })));
await attempt("config", () => Deno.readTextFile("/etc/reddit-pipeline/none.json"));
await attempt("release", () => Deno.osRelease());
outcomes.env = Deno.env.toObject();
console.log(JSON.stringify(outcomes));
`;

for (const job of JOBS) {
  Deno.test(`permissions() of ${job} are what it needs and no more`, async () => {
    const probe = await Deno.makeTempFile({ suffix: ".js" });
    try {
      await Deno.writeTextFile(probe, PROBE);
      const { stdout } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-config", "--no-lock", ...permissions(JOB_SPECS[job]), probe],
        env: { CONFIG__LOG__LEVEL: "warn", SECRET: "x" },
        stderr: "null",
      }).output();
      assertEquals(JSON.parse(new TextDecoder().decode(stdout)), {
        ...{ run: "NotCapable", ffi: "NotCapable", write: "NotCapable", read: "NotCapable" },
        ...{ host: "NotCapable", scratch: "done", config: "NotFound", release: "done" },
        env: { CONFIG__LOG__LEVEL: "warn" },
      });
    } finally {
      await Deno.remove(probe);
    }
  });
}
