{{/* Reference of a chart's image. Takes the chart's scope. */}}
{{- define "common.image" -}}
{{- include "common.imageReference" (dict "ctx" . "image" .Values.image "tag" .Chart.AppVersion) -}}
{{- end }}

{{/*
Reference of an image: by digest where one is given, else by tag. The registry that the user names for all wins over the
image's own, and the one for the project's own images over both. Takes {ctx, image, tag, own?}: the tag where it has none,
and whether the project builds it.
*/}}
{{- define "common.imageReference" -}}
{{- $global := .ctx.Values.global -}}
{{- $registry := $global.imageRegistry | default .image.registry -}}
{{- if .own }}{{ $registry = $global.jobs.imageRegistry | default $registry }}{{ end -}}
{{- with $registry | trimSuffix "/" }}{{ . }}/{{ end -}}
{{ .image.repository }}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag | default .tag }}{{ end -}}
{{- end }}
