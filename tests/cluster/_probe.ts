/**
 * Who reaches whom, tried from within the cluster.
 *
 * @module
 */

import { until } from "./_kube.ts";
import type { Release } from "./_release.ts";

/** Seconds after which a connection counts as refused by the network. */
const PATIENCE = 4;

/** 124 is what `timeout` answers where it had to end a command. */
const SCRIPT = `
sleep 3  # Policies know a pod once its address is in the API.
for target in "$@"; do
  code=0
  timeout ${PATIENCE} bash -c "exec 3<>/dev/tcp/\${target%:*}/\${target##*:}" 2>/dev/null || code=$?
  case $code in 0) result=open ;; 124) result=silent ;; *) result=refused ;; esac
  echo "$target $result"
done
`;

/** How a target took a connection: `silent` where nothing came back until the time was up. */
export type Reached = "open" | "silent" | "refused";

/**
 * Tries to connect to each target, `host:port`, from a pod with these labels.
 *
 * @returns how each target took it.
 */
export async function reach(
  { kube, name }: Release,
  labels: Readonly<Record<string, string>>,
  targets: readonly string[],
): Promise<Map<string, Reached>> {
  const pod = `probe-${crypto.randomUUID().slice(0, 8)}`;
  // The one image that is there in any case and has a shell.
  const { spec } = await kube.get("statefulset", `${name}-kafka`);
  const image: string = spec.template.spec.containers[0].image;
  const security = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true };
  await kube.runWith({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: pod, labels },
    spec: {
      restartPolicy: "Never",
      automountServiceAccountToken: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 65532,
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: [{
        name: "probe",
        image,
        command: ["bash", "-c", SCRIPT, "probe", ...targets],
        securityContext: { ...security, capabilities: { drop: ["ALL"] } },
      }],
    },
  }, "create");
  try {
    await until(`${pod} has not ended`, 60 + targets.length * PATIENCE, async () => {
      const { status } = await kube.get("pod", pod);
      return status.phase === "Succeeded" || status.phase === "Failed";
    });
    const lines = (await kube.run("logs", pod)).trim().split("\n");
    return new Map(lines.map((line) => line.split(" ") as [string, Reached]));
  } finally {
    await kube.run("delete", "pod", pod, "--wait=false");
  }
}
