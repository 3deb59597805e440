{{/* Reference of a chart's image. Takes the chart's scope. */}}
{{- define "common.image" -}}
{{- include "common.imageReference" (dict "ctx" . "image" .Values.image "tag" .Chart.AppVersion) -}}
{{- end }}

{{/*
Reference of an image: by digest if one is given, else by tag. The global registry wins over the image's own, and the registry
of the project's own images over both. Takes {ctx, image, tag, own?}: the default tag, and whether the project builds the
image.
*/}}
{{- define "common.imageReference" -}}
{{- $global := .ctx.Values.global -}}
{{- $registry := $global.imageRegistry | default .image.registry -}}
{{- if .own }}{{ $registry = $global.jobs.imageRegistry | default $registry }}{{ end -}}
{{- with $registry | trimSuffix "/" }}{{ . }}/{{ end -}}
{{ .image.repository }}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag | default .tag }}{{ end -}}
{{- end }}
