{{/* Families of a Service's addresses. */}}
{{- define "common.ipFamilies" -}}
{{- with .Values.global.ipFamilyPolicy }}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .Values.global.ipFamilies }}
ipFamilies:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The endpoints of each server for the jobs: outside the release, or its own. Each is a JSON list; takes {ctx}. */}}
{{- define "common.endpoints.kafka" -}}
{{- $own := printf "%s:9092" (include "common.host" (dict "ctx" .ctx "name" (printf "%s-kafka" .ctx.Release.Name))) -}}
{{ .ctx.Values.global.endpoints.kafka | default (list $own) | toJson }}
{{- end }}

{{- define "common.endpoints.hdfs" -}}
{{- $own := printf "http://%s:9870" (include "common.host" (dict "ctx" .ctx "name" (printf "%s-namenode" .ctx.Release.Name))) -}}
{{ .ctx.Values.global.endpoints.hdfs | default (list $own) | toJson }}
{{- end }}

{{- define "common.endpoints.elasticsearch" -}}
{{- $scheme := ternary "https" "http" .ctx.Values.global.credentials.elasticsearch.ca -}}
{{- $own := printf "%s://%s:9200" $scheme (include "common.host" (dict "ctx" .ctx "name" (printf "%s-elasticsearch" .ctx.Release.Name))) -}}
{{ .ctx.Values.global.endpoints.elasticsearch | default (list $own) | toJson }}
{{- end }}
