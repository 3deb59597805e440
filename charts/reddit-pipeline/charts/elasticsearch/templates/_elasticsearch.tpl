{{/* The nodes that found the cluster, by name. */}}
{{- define "elasticsearch.nodes" -}}
{{- $nodes := list -}}
{{- range $i := until (int .Values.replicas) -}}
{{- $nodes = append $nodes (printf "%s-elasticsearch-%d" $.Release.Name $i) -}}
{{- end -}}
{{ join "," $nodes }}
{{- end }}

{{- define "elasticsearch.settings" -}}
{{- $hosts := include "common.host" (dict "ctx" . "name" (printf "%s-elasticsearch-headless" .Release.Name)) -}}
{{- merge (deepCopy .Values.config) (dict
  "cluster.name" (printf "%s-%s" .Release.Namespace .Release.Name)
  "node.name" "${POD_NAME}"
  "path.data" "/usr/share/elasticsearch/data"
  "network.host" "0.0.0.0"
  "discovery.seed_hosts" (list $hosts)
  "node.store.allow_mmap" .Values.allowMmap) | toYaml }}
{{- end }}
