{{/* The steps that run once per release, before or beside its Deployments: a JSON object of steps by Job. */}}
{{- define "pipeline.steps" -}}
setup:
  {{- if .Values.ingest.enabled }}
  - {job: ingest, name: topics, args: [setup]}
  {{- end }}
  {{- if .Values.batch.enabled }}
  - {job: batch, name: store, args: [setup]}
  {{- end }}
history:
  {{- if and .Values.generator.enabled .Values.ingest.enabled .Values.batch.enabled .Values.generator.historical.enabled }}
  - {job: generator, name: generate, args: [historical]}
  - {job: ingest, name: bootstrap, args: [bootstrap]}
  - {job: batch, name: generation, args: [run]}
  {{- end }}
{{- end }}

{{/*
A Job of several commands, one after the other. Each waits for its servers and is idempotent. The Job's name ends in the hash
of its steps: an upgrade with other steps creates another Job, and never changes one. Takes {ctx, component}.
*/}}
{{- define "pipeline.job" -}}
{{- $root := .ctx -}}
{{- $steps := list -}}
{{- $resources := (get $root.Values .component).resources -}}
{{- range get (include "pipeline.steps" .ctx | fromYaml) .component -}}
{{- $steps = append $steps (dict "ctx" (get $root.Subcharts .job) "name" .name "args" .args "resources" $resources) -}}
{{- end -}}
{{- if $steps -}}
{{- $self := dict "ctx" (last $steps).ctx "component" .component -}}
{{- $template := include "common.job.podTemplate" (merge (dict "steps" $steps "restartPolicy" "OnFailure") $self) -}}
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "common.metadata" (merge (dict "suffix" ($template | sha256sum | trunc 10)) $self) | nindent 2 }}
spec:
  backoffLimit: 20
  template:
    {{- $template | nindent 4 }}
{{- end }}
{{- end }}

{{/* The NetworkPolicy of such a Job's pods. Takes {ctx, component}. */}}
{{- define "pipeline.networkPolicy" -}}
{{- $steps := get (include "pipeline.steps" .ctx | fromYaml) .component -}}
{{- if $steps -}}
{{ include "common.networkPolicy" (dict
  "ctx" (get .ctx.Subcharts (last $steps).job) "component" .component "own" (get .ctx.Values .component) "metrics" (list 8080)) }}
{{- end }}
{{- end }}
