// The alerts, as the chart renders them, in time: promtool plays series to them.
import { command, promtool } from "@pipeline/tools/servers";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { knownSeries } from "../dashboards/_known.ts";
import { promqlNames } from "../dashboards/_promql.ts";
import { wholeCases } from "./_cases.ts";
import { operatorRules, rules, rulesText } from "./_rules.ts";

const all = await rules();
const alerts = all.filter(({ alert }) => alert !== undefined);
const names = alerts.map(({ alert }) => alert!).sort();

/** Names of the files in a folder with an end, without it. */
async function filesIn(folder: URL, end: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name).filter((name) => name.endsWith(end))
    .map((name) => name.slice(0, -end.length)).sort();
}

const TESTS = new URL("./", import.meta.url);
const RUNBOOKS = new URL(
  "../../charts/reddit-pipeline/charts/prometheus/files/runbooks/",
  import.meta.url,
);

Deno.test("every alert has a file, a test and a runbook, and none is left over", async () => {
  const files = new URL(
    "../../charts/reddit-pipeline/charts/prometheus/files/alerts/",
    import.meta.url,
  );
  assertEquals(await filesIn(files, ".yaml"), names);
  assertEquals(await filesIn(TESTS, ".yaml"), names);
  assertEquals(await filesIn(RUNBOOKS, ".md"), [...names, "README"].sort());
});

Deno.test("every alert has a severity, a summary and a link to its runbook", () => {
  for (const { alert, labels, annotations, ...rule } of alerts) {
    assert(["critical", "warning"].includes(labels!.severity!), alert);
    assertMatch(rule.for!, /^\d+[sm]$/, alert);
    assertMatch(annotations!.summary!, /^[A-Z].*[^.]$/, alert);
    assertMatch(annotations!.description!, /\.$/, alert);
    assertEquals(annotations!.runbook_url, `{{ $externalURL }}/user/${alert}.md`);
  }
});

Deno.test("every runbook has the sections meaning, impact, diagnosis and remedy", async () => {
  const index = await Deno.readTextFile(new URL("README.md", RUNBOOKS));
  for (const name of names) {
    const text = await Deno.readTextFile(new URL(`${name}.md`, RUNBOOKS));
    const headings = text.split("\n").filter((line) => /^#+ /.test(line));
    assertEquals(
      headings.slice(0, 5),
      [`# ${name}`, ...["Meaning", "Impact", "Diagnosis", "Remedy"].map((part) => `## ${part}`)],
    );
    const { labels, for: hold } = alerts.find(({ alert }) => alert === name)!;
    const row = index.split("\n").find((line) => line.includes(`[${name}](${name}.md)`));
    assertEquals(row?.split("|").slice(3, 5).map((cell) => cell.trim()), [labels!.severity, hold]);
    for (const [, link] of text.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      await Deno.stat(new URL(link!, RUNBOOKS));
    }
  }
});

Deno.test("rules ask only for metrics and labels that docs fix", async () => {
  const known = await knownSeries();
  for (const { alert, record, expr } of all) {
    for (const { metric, labels } of promqlNames(expr).selectors) {
      const series = known.get(metric);
      assert(series !== undefined, `${alert ?? record}: ${metric}`);
      assertEquals(
        labels.filter((label) => !series.has(label)),
        [],
        `${alert ?? record}: ${metric}`,
      );
    }
  }
});

Deno.test("promtool takes the rules, and those for the operator", async () => {
  const tool = await promtool();
  const folder = await Deno.makeTempDir();
  try {
    const operator = { prometheus: { operator: { enabled: true } } };
    await Deno.writeTextFile(`${folder}/rules.yaml`, await rulesText());
    await Deno.writeTextFile(`${folder}/operator.yaml`, await operatorRules(operator));
    for (const file of ["rules.yaml", "operator.yaml"]) {
      await command(tool, ["check", "rules", "--lint-fatal", file], { cwd: folder });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

for (const name of names) {
  Deno.test(`${name} fires when it should, and not when it should not`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/rules.yaml`, await rulesText());
      const text = await Deno.readTextFile(new URL(`${name}.yaml`, TESTS));
      const whole = wholeCases(text, alerts.find(({ alert }) => alert === name)!);
      const fires = whole.tests.flatMap(({ alert_rule_test }) =>
        alert_rule_test.map(({ exp_alerts }) => exp_alerts.length > 0)
      );
      assert(fires.includes(true) && fires.includes(false), "fires, and does not fire");
      await Deno.writeTextFile(`${folder}/test.yaml`, JSON.stringify(whole));
      await command(await promtool(), ["test", "rules", "test.yaml"], { cwd: folder, lines: 80 });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("wholeCases() adds the rule's fields to the file's, which take precedence", () => {
  const rule = {
    alert: "A",
    expr: "x > 0",
    labels: { severity: "critical" },
    annotations: {
      summary: "It is",
      description: "{{ $value }}",
      runbook_url: "{{ $externalURL }}",
    },
  };
  const fires = "{ exp_labels: { a: b }, exp_annotations: { description: '1' } }";
  const text = `tests: [{ alert_rule_test: [{ eval_time: 5m, exp_alerts: [${fires}] }] }]`;
  assertEquals(wholeCases(text, rule).tests[0]!.alert_rule_test, [{
    eval_time: "5m",
    alertname: "A",
    exp_alerts: [{
      exp_labels: { severity: "critical", a: "b" },
      exp_annotations: { summary: "It is", description: "1", runbook_url: "/user/A.md" },
    }],
  }]);
});

Deno.test("values change how long, how bad and whether", async () => {
  const found = async (prometheus: unknown) =>
    new Map((await rules({ prometheus })).map((rule) => [rule.alert, rule]));
  const changed = await found({
    alerts: {
      KafkaBrokerDown: { for: "9m", severity: "page" },
      HdfsSpaceLow: { enabled: false },
    },
    hold: "7s",
    thresholds: { lag: 12 },
    runbookUrl: "https://runbooks.example.com",
  });
  assertEquals(changed.get("KafkaBrokerDown")?.for, "9m");
  assertEquals(changed.get("KafkaBrokerDown")?.labels, { severity: "page" });
  assertEquals(changed.get("ElasticsearchRed")?.for, "7s");
  assertEquals(changed.has("HdfsSpaceLow"), false);
  assert(changed.get("ConsumerLagGrowing")?.expr.includes("> 12 "));
  assertEquals(
    changed.get("DriftFound")?.annotations?.runbook_url,
    "https://runbooks.example.com/DriftFound.md",
  );
  await assertRejects(
    () => rules({ prometheus: { alerts: { NoSuchAlert: { for: "1m" } } } }),
    Error,
    "prometheus.alerts.NoSuchAlert: there is no alert of that name",
  );
});
