{{/* The names of the initial master nodes. */}}
{{- define "elasticsearch.nodes" -}}
{{- $nodes := list -}}
{{- range $i := until (int .Values.replicas) -}}
{{- $nodes = append $nodes (printf "%s-elasticsearch-%d" $.Release.Name $i) -}}
{{- end -}}
{{ join "," $nodes }}
{{- end }}

{{/* The user's settings by dotted keys, like the chart's: a duplicate key stops a node. Takes {ctx, into}. */}}
{{- define "elasticsearch.own" -}}
{{- include "common.flatten" (dict "settings" .ctx.Values.config "into" .into "path" "elasticsearch.config" "prefix" "") -}}
{{- end }}

{{/*
Settings of all nodes. To Java, 0.0.0.0 means every address of both families, and works without IPv6. By default a node would
publish an IPv4 address, even the loopback's: so the chart sets the pod's.
*/}}
{{- define "elasticsearch.settings" -}}
{{- $hosts := include "common.host" (dict "ctx" . "name" (printf "%s-elasticsearch-headless" .Release.Name)) -}}
{{- $settings := dict
  "cluster.name" (printf "%s-%s" .Release.Namespace .Release.Name)
  "node.name" "${POD_NAME}"
  "path.data" "/usr/share/elasticsearch/data"
  "network.host" "0.0.0.0"
  "network.publish_host" "${POD_IP}"
  "discovery.seed_hosts" (list $hosts)
  "node.store.allow_mmap" .Values.allowMmap -}}
{{- $own := dict -}}
{{- include "elasticsearch.own" (dict "ctx" . "into" $own) -}}
{{- range $key, $value := $own }}{{ $_ := include "common.scalar" (dict "value" $value "path" (printf "elasticsearch.config.%s" $key)) }}{{ end -}}
{{- include "common.overlay" (dict "onto" $settings "settings" $own) -}}
{{ toYaml $settings }}
{{- end }}

{{/*
Settings of modules that not every distribution has; a node refuses them if the module is missing. Lines of module and
setting, without the settings that the user sets.
*/}}
{{- define "elasticsearch.modules" -}}
{{- $own := dict -}}
{{- include "elasticsearch.own" (dict "ctx" . "into" $own) -}}
{{- range $module, $key := dict "ingest-geoip" "ingest.geoip.downloader.enabled" "x-pack-ml" "xpack.ml.enabled" }}
{{- if not (hasKey $own $key) }}
{{ $module }} {{ $key }}: false
{{- end }}
{{- end }}
{{- end }}
