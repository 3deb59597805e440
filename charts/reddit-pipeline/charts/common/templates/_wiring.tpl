{{/*
The settings that the chart sets in a job's configuration: endpoints, logins, and settings that several jobs share. Each
takes {ctx} and is JSON.
*/}}
{{- define "common.wiring.folder" -}}/etc/reddit-pipeline/secrets{{- end }}

{{- define "common.wiring.kafka" -}}
{{- $login := .ctx.Values.global.credentials.kafka -}}
{{- $topics := .ctx.Values.global.topics -}}
{{- $folder := printf "%s/kafka" (include "common.wiring.folder" .) -}}
{{- $kafka := dict
  "brokers" (include "common.endpoints.kafka" . | fromJsonArray)
  "prefix" $topics.prefix
  "replication" ($topics.replication | int)
  "minInsyncReplicas" ($topics.minInsyncReplicas | int)
  "retention" $topics.retention -}}
{{- if $login.tls -}}
{{- $tls := dict -}}
{{- if $login.ca }}{{ $_ := set $tls "caFile" (printf "%s/ca.crt" $folder) }}{{ end -}}
{{- if $login.clientCertificate -}}
{{- $_ := set $tls "certFile" (printf "%s/tls.crt" $folder) -}}
{{- $_ := set $tls "keyFile" (printf "%s/tls.key" $folder) -}}
{{- end -}}
{{- $_ := set $kafka "tls" $tls -}}
{{- end -}}
{{- if $login.mechanism -}}
{{- $_ := set $kafka "sasl" (dict
  "mechanism" $login.mechanism
  "username" $login.username
  "passwordFile" (printf "%s/password" $folder)) -}}
{{- end -}}
{{ $kafka | toJson }}
{{- end }}

{{- define "common.wiring.hdfs" -}}
{{- $dataset := .ctx.Values.global.dataset -}}
{{- $hdfs := dict
  "namenodes" (include "common.endpoints.hdfs" . | fromJsonArray)
  "user" $dataset.user
  "root" $dataset.root
  "replication" ($dataset.replication | int) -}}
{{- if .ctx.Values.global.credentials.hdfs.ca -}}
{{- $_ := set $hdfs "caFile" (printf "%s/hdfs/ca.crt" (include "common.wiring.folder" .)) -}}
{{- end -}}
{{ $hdfs | toJson }}
{{- end }}

{{- define "common.wiring.elasticsearch" -}}
{{- $login := .ctx.Values.global.credentials.elasticsearch -}}
{{- $views := .ctx.Values.global.views -}}
{{- $folder := printf "%s/elasticsearch" (include "common.wiring.folder" .) -}}
{{- $elasticsearch := dict
  "nodes" (include "common.endpoints.elasticsearch" . | fromJsonArray)
  "prefix" $views.prefix
  "shards" ($views.shards | int)
  "replicas" ($views.replicas | int) -}}
{{- if $login.ca }}{{ $_ := set $elasticsearch "caFile" (printf "%s/ca.crt" $folder) }}{{ end -}}
{{- if $login.apiKey -}}
{{- $_ := set $elasticsearch "apiKeyFile" (printf "%s/api-key" $folder) -}}
{{- else if $login.username -}}
{{- $_ := set $elasticsearch "username" $login.username -}}
{{- $_ := set $elasticsearch "passwordFile" (printf "%s/password" $folder) -}}
{{- end -}}
{{ $elasticsearch | toJson }}
{{- end }}

{{/* Keys of a server's Secret that the jobs read: a JSON list. Takes {ctx, server}. */}}
{{- define "common.wiring.secretKeys" -}}
{{- $login := get .ctx.Values.global.credentials .server -}}
{{- $keys := list -}}
{{- if $login.ca }}{{ $keys = append $keys "ca.crt" }}{{ end -}}
{{- if eq .server "kafka" -}}
{{- if $login.clientCertificate }}{{ $keys = concat $keys (list "tls.crt" "tls.key") }}{{ end -}}
{{- if $login.mechanism }}{{ $keys = append $keys "password" }}{{ end -}}
{{- else if eq .server "elasticsearch" -}}
{{- if $login.apiKey }}{{ $keys = append $keys "api-key" }}{{ else if $login.username }}{{ $keys = append $keys "password" }}{{ end -}}
{{- end -}}
{{ $keys | toJson }}
{{- end }}
