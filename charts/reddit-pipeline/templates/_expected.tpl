{{/*
Rules that record how many pods the values require of each scraped component, so that an alert can distinguish a missing pod
from a component that is not installed. Only the umbrella chart sees all components.
*/}}
{{- define "pipeline.expected" -}}
{{- $pods := dict -}}
{{- if .Values.global.metrics.enabled -}}
{{- with .Subcharts.kafka }}{{ $_ := set $pods "kafka" .Values.replicas }}{{ end -}}
{{- with .Subcharts.elasticsearch -}}
{{- /* The exporter reports for all nodes. */ -}}
{{- if .Values.exporter.enabled }}{{ $_ := set $pods "elasticsearch" .Values.replicas }}{{ end -}}
{{- end -}}
{{- end -}}
{{- with .Subcharts.hdfs }}{{ $_ := merge $pods (dict "namenode" 1 "datanode" .Values.datanode.replicas) }}{{ end -}}
{{- with .Subcharts.generator }}{{ if .Values.realtime.enabled }}{{ $_ := set $pods "generator" 1 }}{{ end }}{{ end -}}
{{- if include "pipeline.canaries" . }}{{ $_ := set $pods "canary" 1 }}{{ end -}}
{{- range $job := list "ingest" "speed" "serving" -}}
{{- with get $.Subcharts $job }}{{ $_ := set $pods $job .Values.replicas }}{{ end -}}
{{- end -}}
{{- with .Subcharts.speed }}{{ if .Values.standby.enabled }}{{ $_ := set $pods "speed-standby" .Values.standby.replicas }}{{ end }}{{ end -}}
{{- $rules := list -}}
{{- range $job, $count := $pods -}}
{{- $labels := dict "namespace" $.Release.Namespace "release" $.Release.Name "job" $job -}}
{{- $rules = append $rules (dict "record" "job:pods:expected" "expr" (printf "vector(%d)" (int $count)) "labels" $labels) -}}
{{- end -}}
{{ dict "groups" (list (dict "name" "expected" "rules" $rules)) | toYaml }}
{{- end }}
