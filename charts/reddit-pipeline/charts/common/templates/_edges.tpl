{{/*
The allowed connections within a release, one entry per edge. The NetworkPolicies of both ends follow from it.
setup, history and test are the umbrella chart's pods; published ports and further readers of metrics are not edges.
If a server outside the release replaces a component, the component's edges are omitted. A component may reach itself through
its Service, which not every network treats as a pod's own traffic: so does the NameNode, whose tools run in its pod.
*/}}
{{- define "common.edges" -}}
- {from: kafka, to: kafka, ports: [9092, 9093]}
- {from: generator, to: kafka, ports: [9092]}
{{- include "common.jobEdges" (dict "server" "kafka" "to" "kafka" "port" 9092) }}
- {from: setup, to: kafka, ports: [9092]}
- {from: test, to: kafka, ports: [9092]}
- {from: datanode, to: namenode, ports: [8020]}
- {from: namenode, to: namenode, ports: [8020, 9870]}
{{- include "common.jobEdges" (dict "server" "hdfs" "to" "namenode" "port" 9870) }}
- {from: setup, to: namenode, ports: [9870]}
- {from: history, to: namenode, ports: [9870]}
- {from: test, to: namenode, ports: [9870]}
- {from: datanode, to: datanode, ports: [9866, 9867]}
{{- include "common.jobEdges" (dict "server" "hdfs" "to" "datanode" "port" 9864) }}
- {from: history, to: datanode, ports: [9864]}
- {from: test, to: datanode, ports: [9864]}
- {from: elasticsearch, to: elasticsearch, ports: [9300]}
{{- include "common.jobEdges" (dict "server" "elasticsearch" "to" "elasticsearch" "port" 9200) }}
- {from: setup, to: elasticsearch, ports: [9200]}
- {from: history, to: elasticsearch, ports: [9200]}
- {from: test, to: elasticsearch, ports: [9200]}
- {from: test, to: serving, ports: [30080]}
- {from: serving, to: speed, ports: [8090]}
- {from: serving, to: speed-standby, ports: [8090]}
- {from: batch, to: speed, ports: [8090]}
- {from: test, to: speed, ports: [8090]}
- {from: batch, to: speed-standby, ports: [8090]}
- {from: test, to: speed-standby, ports: [8090]}
- {from: elasticsearch-exporter, to: elasticsearch, ports: [9200]}
- {from: prometheus, to: kafka, ports: [9404], inside: true}
- {from: prometheus, to: namenode, ports: [9404, 9870], inside: true}
- {from: prometheus, to: datanode, ports: [9864], inside: true}
- {from: prometheus, to: elasticsearch-exporter, ports: [9114]}
- {from: prometheus, to: generator, ports: [8080]}
- {from: prometheus, to: ingest, ports: [8080]}
- {from: prometheus, to: batch, ports: [8080]}
- {from: prometheus, to: speed, ports: [8080]}
- {from: prometheus, to: speed-standby, ports: [8080]}
- {from: prometheus, to: serving, ports: [8080]}
- {from: prometheus, to: canary, ports: [8080]}
- {from: canary, to: kafka, ports: [9092]}
- {from: canary, to: serving, ports: [30080]}
- {from: grafana, to: prometheus, ports: [9090]}
- {from: grafana, to: elasticsearch, ports: [9200]}
{{- end }}

{{/*
The edges from all jobs that need a server to the server's component, except the generator's: its pods only produce. Takes
{server, to, port}.
*/}}
{{- define "common.jobEdges" -}}
{{- $edge := . -}}
{{- $needs := dict -}}
{{- range include "common.needs" . | fromJsonArray }}{{ $_ := set $needs .job .needs }}{{ end -}}
{{- range $job := list "ingest" "speed" "serving" "batch" }}
{{- if has $edge.server (get $needs $job) }}
- {from: {{ $job }}, to: {{ $edge.to }}, ports: [{{ $edge.port }}]}
{{- if eq $job "speed" }}
- {from: speed-standby, to: {{ $edge.to }}, ports: [{{ $edge.port }}]}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The endpoints that replace a component from outside the release, if any: a JSON list. Takes {ctx, component}. */}}
{{- define "common.externalEndpoints" -}}
{{- $endpoints := .ctx.Values.global.endpoints -}}
{{- $server := get (dict "kafka" "kafka" "namenode" "hdfs" "datanode" "hdfs" "elasticsearch" "elasticsearch") .component -}}
{{- if $server }}{{ get $endpoints $server | toJson }}
{{- else if eq .component "prometheus" }}{{ with ((.ctx.Values.datasources).prometheus).url }}{{ list . | toJson }}{{ else }}[]{{ end }}
{{- else }}[]{{ end -}}
{{- end }}

{{/* The port of an endpoint, `host:port` or a URL. */}}
{{- define "common.endpointPort" -}}
{{- $address := regexReplaceAll "^[a-z]+://" . "" | splitList "/" | first -}}
{{- $port := regexFind ":[0-9]+$" $address | trimPrefix ":" -}}
{{- if $port }}{{ $port }}{{ else if hasPrefix "https:" . }}443{{ else }}80{{ end -}}
{{- end }}

{{/* Ports of a rule, TCP. Takes a list. */}}
{{- define "common.ports" -}}
ports:
  {{- range . }}
  - protocol: TCP
    port: {{ . }}
  {{- end }}
{{- end }}

{{/* Pods of a component of the release, in any chart. Takes {ctx, component}. */}}
{{- define "common.peerLabels" -}}
app.kubernetes.io/instance: {{ .ctx.Release.Name | toYaml }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "common.peer" -}}
- podSelector:
    matchLabels:
      {{- include "common.peerLabels" . | nindent 6 }}
{{- end }}

{{/*
Ingress of a component: its edges, published ports, metrics, pages, and rules that values add. Takes {ctx, component, own,
published?, metrics?, web?}.
*/}}
{{- define "common.ingressRules" -}}
{{- $ctx := .ctx -}}
{{- $component := .component -}}
{{- range include "common.edges" $ctx | fromYamlArray }}
{{- if eq .to $component }}
- from:
    {{- include "common.peer" (dict "ctx" $ctx "component" .from) | nindent 4 }}
  {{- include "common.ports" .ports | nindent 2 }}
{{- end }}
{{- end }}
{{- with .published }}
- {{ include "common.ports" . | nindent 2 | trim }}
{{- end }}
{{- $policy := $ctx.Values.global.networkPolicy }}
{{- if and .metrics $policy.metricsFrom }}
- from:
    {{- toYaml $policy.metricsFrom | nindent 4 }}
  {{- include "common.ports" .metrics | nindent 2 }}
{{- end }}
{{- if and .web $policy.webFrom }}
- from:
    {{- toYaml $policy.webFrom | nindent 4 }}
  {{- include "common.ports" .web | nindent 2 }}
{{- end }}
{{- with concat $policy.extraIngress .own.networkPolicy.extraIngress }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
Egress of a component: DNS, its edges, also to servers outside the release, ports anywhere, and rules that values add. Takes
{ctx, component, own, anywhere?}.
*/}}
{{- define "common.egressRules" -}}
{{- $ctx := .ctx -}}
{{- $component := .component -}}
{{- $policy := $ctx.Values.global.networkPolicy -}}
{{- with $policy.dnsPorts }}
- ports:
    {{- range . }}
    - protocol: UDP
      port: {{ . }}
    - protocol: TCP
      port: {{ . }}
    {{- end }}
{{- end }}
{{- range include "common.edges" $ctx | fromYamlArray }}
{{- $external := include "common.externalEndpoints" (dict "ctx" $ctx "component" .to) | fromJsonArray }}
{{- if and (eq .from $component) (not (and $external .inside)) }}
{{- if and $external (eq .to "datanode") }}
{{- /* Only a NameNode outside the release knows the DataNodes that it redirects transfers to. */}}
- ports:
    - protocol: TCP
      port: 1
      endPort: 65535
{{- else if $external }}
{{- $ports := list }}
{{- range $external }}{{ $ports = append $ports (include "common.endpointPort" . | int) }}{{ end }}
- {{ include "common.ports" (uniq $ports) | nindent 2 | trim }}
{{- else }}
- to:
    {{- include "common.peer" (dict "ctx" $ctx "component" .to) | nindent 4 }}
  {{- include "common.ports" .ports | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
{{- $otel := $ctx.Values.global.otel }}
{{- if and $otel.enabled (has $component (list "generator" "ingest" "batch" "speed" "speed-standby" "serving" "canary" "setup" "history")) }}
- {{ include "common.ports" (list (include "common.endpointPort" $otel.endpoint | int)) | nindent 2 | trim }}
{{- end }}
{{- with .anywhere }}
- {{ include "common.ports" . | nindent 2 | trim }}
{{- end }}
{{- with concat $policy.extraEgress .own.networkPolicy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
The NetworkPolicy of a component. Takes {ctx, component, own?, published?, metrics?, web?, anywhere?}: own are the component's
values if they are not the whole chart's; published, metrics and web are lists of ports, for everyone, for readers of metrics
and for readers of pages.
*/}}
{{- define "common.networkPolicy" -}}
{{- $rules := merge (dict "own" (.own | default .ctx.Values)) . -}}
{{- if .ctx.Values.global.networkPolicy.enabled -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "common.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "common.peerLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  {{- with include "common.ingressRules" $rules | trim }}
  ingress:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with include "common.egressRules" $rules | trim }}
  egress:
    {{- . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
