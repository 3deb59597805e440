{{/* Not empty if canaries are sent all the time. */}}
{{- define "pipeline.canaries" -}}
{{- if and .Values.generator.enabled .Values.speed.enabled .Values.serving.enabled .Values.generator.canary.every }}true{{ end -}}
{{- end }}

{{/* URL of the API for the release's pods. */}}
{{- define "pipeline.servingUrl" -}}
{{- $host := include "common.host" (dict "ctx" . "name" (printf "%s-serving" .Release.Name)) -}}
{{ printf "http://%s:%d" $host (int .Values.serving.service.port) }}
{{- end }}
