{{/*
The agent of the JMX exporter in a Java server's pod: an init container copies it into a volume, and the server's start
script reads its path from JAVA_AGENT. A file in the server's configuration lists the beans that it exports.
*/}}
{{- define "common.jmxExporter.initContainers" -}}
{{- if .Values.global.metrics.enabled -}}
{{- $image := .Values.global.metrics.jmxExporter.image -}}
initContainers:
  - name: jmx-exporter
    image: {{ include "common.imageReference" (dict "ctx" . "own" true "image" $image) }}
    imagePullPolicy: {{ $image.pullPolicy }}
    args: [/agent/jmx-exporter.jar]
    resources:
      {{- toYaml .Values.global.metrics.jmxExporter.resources | nindent 6 }}
    securityContext:
      {{- include "common.securityContext" . | nindent 6 }}
    volumeMounts:
      - name: agent
        mountPath: /agent
{{- end }}
{{- end }}

{{/* Variables of the server's container. Takes {ctx, config}: the path of the exporter's configuration. */}}
{{- define "common.jmxExporter.env" -}}
{{- if .ctx.Values.global.metrics.enabled -}}
- name: JAVA_AGENT
  value: -javaagent:/agent/jmx-exporter.jar=9404:{{ .config }}
{{- end }}
{{- end }}

{{/* Ports of the server's container. */}}
{{- define "common.jmxExporter.ports" -}}
{{- if .Values.global.metrics.enabled -}}
- name: metrics
  containerPort: 9404
{{- end }}
{{- end }}

{{- define "common.jmxExporter.volumeMounts" -}}
{{- if .Values.global.metrics.enabled -}}
- name: agent
  mountPath: /agent
  readOnly: true
{{- end }}
{{- end }}

{{- define "common.jmxExporter.volumes" -}}
{{- if .Values.global.metrics.enabled -}}
- name: agent
  emptyDir: {}
{{- end }}
{{- end }}
