{{/*
A pod of `helm test`: a command of a job, in the job's own image, with a time limit. Takes {ctx, job, name, weight, args,
before?}: before are steps that run first, as in a Job. Pods run by weight, one after the other.
*/}}
{{- define "pipeline.testPod" -}}
{{- $job := get .ctx.Subcharts .job -}}
{{- $self := dict "ctx" $job "component" "test" -}}
{{- $template := include "common.job.podTemplate" (merge (dict
  "restartPolicy" "Never" "steps" (append (.before | default list) (dict "ctx" $job "name" .name "args" .args))) $self) | fromYaml -}}
apiVersion: v1
kind: Pod
metadata:
  {{- include "common.metadata" (merge (dict "suffix" .name) $self) | nindent 2 }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-weight: {{ .weight | quote }}
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  {{- with (get .ctx.Values.tests .name).activeDeadlineSeconds }}
  activeDeadlineSeconds: {{ . | int64 }}
  {{- end }}
  {{- $template.spec | toYaml | nindent 2 }}
{{- end }}

{{/* The steps that send one record and wait for it, if its whole path is part of the release: a JSON list, else empty. */}}
{{- define "pipeline.canaryArgs" -}}
{{- if and .Values.generator.enabled .Values.ingest.enabled .Values.batch.enabled .Values.speed.enabled .Values.serving.enabled -}}
{{- $limits := .Values.generator.canary -}}
{{- list
  "canary"
  "--serving" (include "pipeline.servingUrl" .)
  "--within" (include "common.scalar" (dict "value" $limits.within "path" "generator.canary.within"))
  "--committed-within" (include "common.scalar" (dict "value" $limits.committedWithin "path" "generator.canary.committedWithin")) | toJson -}}
{{- else -}}
[]
{{- end -}}
{{- end }}
