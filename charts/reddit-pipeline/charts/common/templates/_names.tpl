{{/* Name of a component's objects. Takes {ctx, component}. */}}
{{- define "common.fullname" -}}
{{ .ctx.Release.Name }}-{{ .component }}
{{- end }}

{{/* Labels of all pods of a chart. Takes {ctx}. */}}
{{- define "common.chartLabels" -}}
app.kubernetes.io/name: {{ .ctx.Chart.Name }}
app.kubernetes.io/instance: {{ .ctx.Release.Name | toYaml }}
{{- end }}

{{/* Selector labels of a component's pods. Never changed within a major version. Takes {ctx, component}. */}}
{{- define "common.selectorLabels" -}}
{{ include "common.chartLabels" . }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of every object and pod. Takes {ctx, component}. */}}
{{- define "common.labels" -}}
{{ include "common.selectorLabels" . }}
app.kubernetes.io/version: {{ .ctx.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: reddit-pipeline
app.kubernetes.io/managed-by: {{ .ctx.Release.Service }}
{{- end }}

{{/* Metadata of a component's object. Takes {ctx, component, suffix?}. */}}
{{- define "common.metadata" -}}
name: {{ include "common.fullname" . }}{{ with .suffix }}-{{ . }}{{ end }}
namespace: {{ .ctx.Release.Namespace | toYaml }}
labels:
  {{- include "common.labels" . | nindent 2 }}
{{- end }}

{{/* A service's name that resolves from every namespace. Takes {ctx, name}. */}}
{{- define "common.host" -}}
{{ .name }}.{{ .ctx.Release.Namespace }}.svc.{{ .ctx.Values.global.clusterDomain }}
{{- end }}
