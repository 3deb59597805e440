import { find, type Manifest, names, PRESETS, renderChart } from "@pipeline/tools/charts";
import { VIEWS } from "@pipeline/tools/dashboards";
import { assert, assertEquals } from "@std/assert";
import { parse } from "yaml";

function datasourcesOf(manifests: readonly Manifest[]): Manifest[] {
  return parse(find(manifests, "ConfigMap", "reddit-grafana").data["datasources.yaml"]).datasources;
}

function podOf(manifests: readonly Manifest[]): Manifest {
  return find(manifests, "Deployment", "reddit-grafana").spec.template.spec;
}

function settingsOf(manifests: readonly Manifest[]): Record<string, string> {
  return find(manifests, "ConfigMap", "reddit-grafana-settings").data;
}

Deno.test("Grafana asks the release's Prometheus, and the alias of each view", async () => {
  const manifests = await renderChart({ values: { global: { views: { prefix: "r-" } } } });
  const domain = "reddit-pipeline.svc.cluster.local";
  const [prometheus, ...views] = datasourcesOf(manifests);
  assertEquals(
    [prometheus.uid, prometheus.url, prometheus.isDefault],
    ["prometheus", `http://reddit-prometheus.${domain}:9090`, true],
  );
  assertEquals(
    new Set(views.map(({ uid, url, jsonData }) => ({ uid, url, ...jsonData }))),
    new Set(
      Object.entries(VIEWS).map(([view, { uid, timeField }]) => ({
        uid,
        url: `http://reddit-elasticsearch.${domain}:9200`,
        index: `r-views_${view}_v1`,
        timeField,
      })),
    ),
  );
});

Deno.test("Grafana logs in to Elasticsearch with files, key by key, as the jobs do", async () => {
  const folder = "/etc/grafana-elasticsearch";
  const secretsOf = (manifests: readonly Manifest[]) =>
    datasourcesOf(manifests).slice(1).map(({ secureJsonData }) => secureJsonData);
  const users = await renderChart({ presets: PRESETS.prod! });
  for (const secret of secretsOf(users)) {
    assertEquals(secret, {
      basicAuthPassword: `$__file{${folder}/password}`,
      tlsCACert: `$__file{${folder}/ca.crt}`,
    });
  }
  const [, view] = datasourcesOf(users);
  assertEquals(
    [view.basicAuth, view.basicAuthUser, view.jsonData.tlsAuthWithCACert],
    [true, "elastic", true],
  );
  const keys = await renderChart({ presets: PRESETS["bring-your-own"]! });
  for (const secret of secretsOf(keys)) {
    assertEquals(secret, {
      httpHeaderValue1: `ApiKey $__file{${folder}/api-key}`,
      tlsCACert: `$__file{${folder}/ca.crt}`,
    });
  }
  const volume = podOf(keys).volumes.find(({ name }: Manifest) => name === "elasticsearch");
  assertEquals(volume.secret, {
    secretName: "reddit-elasticsearch",
    items: ["ca.crt", "api-key"].map((key) => ({ key, path: key })),
  });
});

Deno.test("Grafana's administrator is that of the Secret, of dev's values, or made up", async () => {
  const password = async (presets: readonly string[]) => {
    const manifests = await renderChart({ presets });
    const volume = podOf(manifests).volumes.find(({ name }: Manifest) => name === "admin");
    const secrets = manifests.filter(({ kind }) => kind === "Secret");
    const said = settingsOf(manifests).GF_SECURITY_ADMIN_PASSWORD;
    return [said, volume?.secret.secretName, secrets.map(({ stringData }) => stringData)];
  };
  const mounted = "$__file{/etc/grafana-admin/admin-password}";
  assertEquals(await password(PRESETS.prod!), [mounted, "reddit-pipeline-grafana", []]);
  assertEquals(await password(PRESETS.dev!), [
    mounted,
    "reddit-grafana",
    [{ "admin-user": "admin", "admin-password": "admin" }],
  ]);
  assertEquals(
    await password(PRESETS.default!),
    ["$__file{/var/lib/grafana/admin-password}", undefined, []],
  );
});

Deno.test("Grafana lets nobody in unasked, sends nothing and installs nothing", async () => {
  const settings = settingsOf(await renderChart());
  const off = [
    ...["AUTH_ANONYMOUS_ENABLED", "USERS_ALLOW_SIGN_UP", "ANALYTICS_REPORTING_ENABLED"],
    ...["ANALYTICS_CHECK_FOR_UPDATES", "ANALYTICS_CHECK_FOR_PLUGIN_UPDATES"],
    ...["NEWS_NEWS_FEED_ENABLED", "SNAPSHOTS_EXTERNAL_ENABLED", "PLUGINS_PLUGIN_ADMIN_ENABLED"],
  ];
  for (const name of off) assertEquals(settings[`GF_${name}`], "false", name);
  for (const name of ["SECURITY_DISABLE_GRAVATAR", "PLUGINS_PREINSTALL_DISABLED"]) {
    assertEquals(settings[`GF_${name}`], "true", name);
  }
  const values = { grafana: { config: { GF_USERS_ALLOW_SIGN_UP: true } } };
  assertEquals(settingsOf(await renderChart({ values })).GF_USERS_ALLOW_SIGN_UP, "true");
});

Deno.test("each dashboard is a ConfigMap with the sidecar's label, and Grafana has all of them", async () => {
  const manifests = await renderChart();
  const dashboards = manifests.filter(({ metadata }) =>
    metadata.labels["grafana_dashboard"] === "1"
  );
  assertEquals(dashboards.length, 6);
  const { sources } = podOf(manifests).volumes
    .find(({ name }: Manifest) => name === "dashboards").projected;
  assertEquals(
    sources.map(({ configMap }: Manifest) => configMap.name),
    dashboards.map(({ metadata }) => metadata.name),
  );
  for (const { metadata, data } of dashboards) {
    const [[file, text]] = Object.entries<string>(data) as [[string, string]];
    const { uid } = JSON.parse(text);
    assertEquals([`${uid}.json`, `reddit-grafana-${uid}-dashboard`], [file, metadata.name]);
    // What a ConfigMap may hold, and apply may annotate.
    assert(text.length < 250_000, uid);
  }
});

Deno.test("server.enabled=false leaves the dashboards for a Grafana of yours", async () => {
  const dashboards = { label: "example.com/dashboard", annotations: { folder: "reddit" } };
  const values = { grafana: { server: { enabled: false }, dashboards } };
  const left = (await renderChart({ values })).filter(({ metadata }) =>
    metadata.labels["app.kubernetes.io/component"] === "grafana"
  );
  assert(names(left).every((name) => /^ConfigMap\/reddit-grafana-.*-dashboard$/.test(name)));
  assertEquals(left.length, 6);
  for (const { metadata } of left) {
    assertEquals(metadata.labels["example.com/dashboard"], "1");
    assertEquals(metadata.annotations, { folder: "reddit" });
  }
});
