/**
 * The part of the charts' values for NetworkPolicies and Services, in Kubernetes' form.
 *
 * @module
 */

import { integer, port } from "@pipeline/runtime";
import { z } from "zod";

const { array, enum: choice, record, strictObject, string } = z;

/** Labels of pods or namespaces. */
export const selector: z.ZodType = strictObject({
  matchLabels: record(string(), string()).optional(),
  matchExpressions: array(strictObject({
    key: string().regex(/\S/),
    operator: choice(["In", "NotIn", "Exists", "DoesNotExist"]),
    values: array(string()).optional(),
  })).optional(),
});

const cidr = string().regex(/^[0-9a-fA-F.:]+\/\d{1,3}$/);

/** Pods, namespaces or addresses. */
export const peer: z.ZodType = z.union([
  strictObject({ podSelector: selector, namespaceSelector: selector.optional() }),
  strictObject({ namespaceSelector: selector }),
  strictObject({ ipBlock: strictObject({ cidr, except: array(cidr).optional() }) }),
]);

const protocol = choice(["TCP", "UDP", "SCTP"]).optional();

/** Ports of a rule; all by default. */
export const rulePorts: z.ZodType = array(z.union([
  strictObject({ protocol, port: port().optional(), endPort: port().optional() }),
  strictObject({ protocol, port: string().regex(/^[a-z0-9-]{1,15}$/) }),
])).optional();

/** The allowed sources, with their ports. */
export const ingressRule: z.ZodType = strictObject({
  from: array(peer).optional(),
  ports: rulePorts,
});
/** The allowed destinations, with their ports. */
export const egressRule: z.ZodType = strictObject({
  to: array(peer).optional(),
  ports: rulePorts,
});

const ingress = array(ingressRule);
const egress = array(egressRule);

/** Rules of one component. */
export const networkPolicy: z.ZodType = strictObject({
  extraIngress: ingress.describe("Who may reach its pods besides, as a NetworkPolicy has it"),
  extraEgress: egress.describe("What its pods may reach besides, as a NetworkPolicy has it"),
});

/** Facts of the cluster, and rules of all components. */
export const networkPolicies: z.ZodType = strictObject({
  enabled: z.boolean().describe("Deny all traffic except the edges between components"),
  dnsPorts: array(port()).describe(
    "Ports of the pods that resolve names, by UDP and TCP; `[53, 5353]` for OpenShift, whose network checks the pods' own",
  ),
  apiServerPorts: array(port()).describe(
    "Ports of the API server, where Prometheus finds pods; such as 16443 for MicroK8s",
  ),
  metricsFrom: array(peer).describe(
    "Who may read metrics besides the release's Prometheus: peers as a NetworkPolicy has them",
  ),
  webFrom: array(peer).describe(
    "Who may reach Grafana and Prometheus where their Services are ClusterIP, such as an Ingress controller: peers as a NetworkPolicy has them; the API is open to everyone",
  ),
  extraIngress: ingress.describe(
    "Who may reach the pods of every component besides, as a NetworkPolicy has it",
  ),
  extraEgress: egress.describe(
    "What the pods of every component may reach besides, as a NetworkPolicy has it; servers outside of the release whose pods have other ports than their Services need it",
  ),
});

/** IP families of all Services. */
export const ipFamilies: z.ZodRawShape = {
  ipFamilyPolicy: choice(["", "SingleStack", "PreferDualStack", "RequireDualStack"]).describe(
    "Families of the Services' addresses; `PreferDualStack` takes both where the cluster has both",
  ),
  ipFamilies: array(choice(["IPv4", "IPv6"])).max(2).describe(
    "Which families, the first one first; the cluster's own order where empty",
  ),
};

/** Time limit of a pod in seconds; 0 means none. */
export function deadline(what: string): z.ZodType {
  return integer({ max: 31_536_000 }).describe(
    `Seconds after which ${what} is ended; never where 0`,
  );
}
