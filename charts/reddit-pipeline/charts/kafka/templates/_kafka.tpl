{{/* Id of the cluster: 16 bytes in URL-safe base64. The last character of such an id is one of A, Q, g, w. */}}
{{- define "kafka.clusterId" -}}
{{- $made := printf "%s/%s/kafka" .Release.Namespace .Release.Name | sha256sum | trunc 21 -}}
{{ .Values.clusterId | default (printf "%sA" $made) }}
{{- end }}

{{/* The controllers: the first brokers. */}}
{{- define "kafka.voters" -}}
{{- $voters := list -}}
{{- range $i := until (int .Values.controllers) -}}
{{- $host := include "common.host" (dict "ctx" $ "name" (printf "%s-kafka-%d.%s-kafka-headless" $.Release.Name $i $.Release.Name)) -}}
{{- $voters = append $voters (printf "%d@%s:9093" $i $host) -}}
{{- end -}}
{{ join "," $voters }}
{{- end }}

{{/* Settings of all brokers. Topics are not created automatically, and no lagging replica becomes a leader. */}}
{{- define "kafka.properties" -}}
{{- $topics := .Values.global.topics -}}
{{- $properties := dict
  "controller.quorum.voters" (include "kafka.voters" .)
  "controller.listener.names" "CONTROLLER"
  "inter.broker.listener.name" "PLAINTEXT"
  "listener.security.protocol.map" "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"
  "log.dirs" "/var/lib/kafka/data/log"
  "default.replication.factor" (int $topics.replication)
  "min.insync.replicas" (int $topics.minInsyncReplicas)
  "offsets.topic.replication.factor" (int $topics.replication)
  "transaction.state.log.replication.factor" (int $topics.replication)
  "transaction.state.log.min.isr" (int $topics.minInsyncReplicas)
  "share.coordinator.state.topic.replication.factor" (int $topics.replication)
  "share.coordinator.state.topic.min.isr" (int $topics.minInsyncReplicas)
  "auto.create.topics.enable" false
  "unclean.leader.election.enable" false
  "group.initial.rebalance.delay.ms" 0 -}}
{{- include "common.overlay" (dict "onto" $properties "settings" .Values.config) -}}
{{- range $key, $value := $properties }}
{{ $key }}={{ include "common.propertiesValue" (dict "value" $value "path" (printf "kafka.config.%s" $key)) }}
{{- end }}
{{- end }}
