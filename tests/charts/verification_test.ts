import { find, type Manifest, renderChart } from "@pipeline/tools/charts";
import { assertEquals } from "@std/assert";

/** The pods of `helm test`. */
async function tests(values: unknown = {}, presets: readonly string[] = []): Promise<Manifest[]> {
  return (await renderChart({ values, presets })).filter(({ kind }) => kind === "Pod");
}

function argsOf(pod: Manifest): string[] {
  return pod.spec.containers[0].args.slice(0, -2);
}

Deno.test("helm test ends each of its pods within a time-out, which is a value", async () => {
  const deadlines = (pods: readonly Manifest[]) =>
    pods.map(({ metadata, spec }) =>
      `${metadata.name.split("-").at(-1)} ${spec.activeDeadlineSeconds}`
    ).sort();
  // Less than the five minutes that helm test waits for each.
  assertEquals(deadlines(await tests()), ["canary 280", "topics 280", "verify 280", "views 280"]);
  const values = {
    tests: {
      topics: { activeDeadlineSeconds: 60 },
      views: { activeDeadlineSeconds: 0 },
      canary: { activeDeadlineSeconds: 900 },
      verify: { activeDeadlineSeconds: 1_000_000 },
    },
  };
  assertEquals(deadlines(await tests(values)), [
    "canary 900",
    "topics 60",
    "verify 1000000",
    "views undefined",
  ]);
});

Deno.test("helm test verifies a sample, or everything where it is 0", async () => {
  const verify = async (value?: unknown, presets: readonly string[] = []) => {
    const pods = await tests(value === undefined ? {} : { tests: { verify: value } }, presets);
    return argsOf(find(pods, "Pod", "reddit-test-verify")).slice(0, 5);
  };
  const sampled = ["verify", "--within", "2m", "--sample", "1000"];
  assertEquals(await verify(), sampled);
  assertEquals(await verify(undefined, ["values-prod.yaml"]), sampled);
  assertEquals(await verify({ sample: 1_000_000, within: 7_200_000 }), [
    ...["verify", "--within", "7200000"],
    ...["--sample", "1000000"],
  ]);
  assertEquals((await verify({ sample: 0 })).slice(0, 4), ["verify", "--within", "2m", "--ledger"]);
});

Deno.test("helm test verifies the record that it sends itself, where its way is of the release", async () => {
  const { spec } = find(await tests(), "Pod", "reddit-test-verify");
  const [send] = spec.initContainers;
  assertEquals([send.image.replace(/:.*/, ""), send.args[0]], [
    "reddit-pipeline/generator",
    "canary",
  ]);
  const ledgerOf = ({ args }: Manifest) => args[args.indexOf("--ledger") + 1];
  assertEquals(ledgerOf(send), "/tmp/sent.jsonl");
  assertEquals(ledgerOf(spec.containers[0]), "/tmp/sent.jsonl");
  const mount = ({ volumeMounts }: Manifest) =>
    volumeMounts.find(({ mountPath }: Manifest) => mountPath === "/tmp").name;
  assertEquals(mount(send), mount(spec.containers[0]));
  const production = await tests({}, ["values-prod.yaml"]);
  const alone = find(production, "Pod", "reddit-test-verify").spec;
  assertEquals([alone.initContainers, argsOf({ spec: alone })], [
    undefined,
    ["verify", "--within", "2m", "--sample", "1000"],
  ]);
  assertEquals(production.map(({ metadata }) => metadata.name.split("-").at(-1)).sort(), [
    "topics",
    "verify",
    "views",
  ]);
});

Deno.test("runs of batch and its verification end within a time-out, which is a value", async () => {
  const jobs = async (batch: unknown) => {
    const all = await renderChart({ values: { batch } });
    return ["reddit-batch", "reddit-batch-verify"].map((name) => {
      const { activeDeadlineSeconds, template } = find(all, "CronJob", name).spec.jobTemplate.spec;
      return { activeDeadlineSeconds, args: argsOf(template) };
    });
  };
  assertEquals(await jobs({}), [
    { activeDeadlineSeconds: undefined, args: ["run", "--verify"] },
    { activeDeadlineSeconds: 25200, args: ["verify", "--within", "6h"] },
  ]);
  const given = {
    activeDeadlineSeconds: 3600,
    verify: { activeDeadlineSeconds: 0, sample: 5000, within: "20m" },
  };
  assertEquals(await jobs(given), [
    { activeDeadlineSeconds: 3600, args: ["run", "--verify"] },
    { activeDeadlineSeconds: undefined, args: ["verify", "--within", "20m", "--sample", "5000"] },
  ]);
});
