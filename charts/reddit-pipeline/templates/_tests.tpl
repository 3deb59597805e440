{{/*
A pod of `helm test`: a command of a job, in the job's own image, ended in time. Takes {ctx, job, name, weight, args};
they run by weight, one after the other.
*/}}
{{- define "pipeline.testPod" -}}
{{- $job := get .ctx.Subcharts .job -}}
{{- $self := dict "ctx" $job "component" "test" -}}
{{- $template := include "common.job.podTemplate" (merge (dict
  "restartPolicy" "Never" "steps" (list (dict "ctx" $job "name" .name "args" .args))) $self) | fromYaml -}}
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
