{{/* Reference of a chart's image. Takes the chart's scope. */}}
{{- define "common.image" -}}
{{- include "common.imageReference" (dict "ctx" . "image" .Values.image "tag" .Chart.AppVersion) -}}
{{- end }}

{{/* Reference of an image: by digest where one is given, else by tag. Takes {ctx, image, tag}: the tag where it has none. */}}
{{- define "common.imageReference" -}}
{{- with .image.registry | default .ctx.Values.global.imageRegistry }}{{ . }}/{{ end -}}
{{ .image.repository }}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag | default .tag }}{{ end -}}
{{- end }}
