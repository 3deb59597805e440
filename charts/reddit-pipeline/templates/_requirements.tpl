{{/* Fails with a line for each broken rule. */}}
{{- define "pipeline.requirements" -}}
{{- $global := .Values.global -}}
{{- $topics := $global.topics -}}
{{- $errors := list -}}
{{- range list "pipeline.nameErrors" "pipeline.globalErrors" "pipeline.ownedErrors" "pipeline.takenErrors" -}}
{{- $errors = concat $errors (include . $ | fromJsonArray) -}}
{{- end -}}
{{- $users := dict "kafka" list "hdfs" list "elasticsearch" list -}}
{{- range $job := append (include "common.needs" . | fromJsonArray) (dict "job" "grafana" "needs" (list "elasticsearch")) -}}
{{- range .needs }}{{ $_ := set $users . (append (get $users .) $job.job) }}{{ end -}}
{{- end -}}
{{- range $server, $jobs := $users -}}
{{- $given := get $global.endpoints $server -}}
{{- $enabled := (get $.Values $server).enabled -}}
{{- if and $enabled $given -}}
{{- $errors = append $errors (printf "global.endpoints.%s is given and %s.enabled is true: one of both" $server $server) -}}
{{- else if not (or $enabled $given) -}}
{{- $needy := list -}}
{{- range $jobs -}}
{{- $job := get $.Values . -}}
{{- if and $job.enabled (dig "server" "enabled" true $job) }}{{ $needy = append $needy . }}{{ end -}}
{{- end -}}
{{- if $needy -}}
{{- $errors = append $errors (printf "%s.enabled is false and global.endpoints.%s is empty: %s would find no server" $server $server (join ", " $needy)) -}}
{{- end -}}
{{- end -}}
{{- $login := get $global.credentials $server -}}
{{- $keys := include "common.wiring.secretKeys" (dict "ctx" $ "server" $server) | fromJsonArray -}}
{{- if and $keys (not $login.existingSecret) -}}
{{- $errors = append $errors (printf "global.credentials.%s.existingSecret is empty: a Secret with %s is needed" $server (join ", " $keys)) -}}
{{- end -}}
{{- end -}}
{{- $login := $global.credentials.kafka -}}
{{- if and $login.mechanism (not $login.username) -}}
{{- $errors = append $errors (printf "global.credentials.kafka.username is empty: mechanism %s needs one" $login.mechanism) -}}
{{- end -}}
{{- if and (eq $login.mechanism "plain") (not $login.tls) -}}
{{- $errors = append $errors "global.credentials.kafka.mechanism is plain and tls is false: the password would be readable" -}}
{{- end -}}
{{- if and (or $login.ca $login.clientCertificate) (not $login.tls) -}}
{{- $errors = append $errors "global.credentials.kafka.tls is false: ca and clientCertificate need it" -}}
{{- end -}}
{{- if and .Values.kafka.enabled (or $login.tls $login.mechanism) -}}
{{- $errors = append $errors "global.credentials.kafka is set and kafka.enabled is true: the release's own brokers take neither TLS nor logins" -}}
{{- end -}}
{{- if and .Values.hdfs.enabled $global.credentials.hdfs.ca -}}
{{- $errors = append $errors "global.credentials.hdfs.ca is true and hdfs.enabled is true: the release's own HDFS has no TLS" -}}
{{- end -}}
{{- $login = $global.credentials.elasticsearch -}}
{{- if and $login.apiKey $login.username -}}
{{- $errors = append $errors "global.credentials.elasticsearch has apiKey and username: one of both" -}}
{{- end -}}
{{- if .Values.elasticsearch.enabled -}}
{{- $secured := ne .Values.elasticsearch.security.existingSecret "" -}}
{{- if and $secured (not (and $login.ca (or $login.username $login.apiKey))) -}}
{{- $errors = append $errors "elasticsearch.security.existingSecret is set: global.credentials.elasticsearch needs ca, and username or apiKey" -}}
{{- else if and (not $secured) (or $login.ca $login.username $login.apiKey) -}}
{{- $errors = append $errors "global.credentials.elasticsearch is set and elasticsearch.security.existingSecret is empty: the nodes have no security" -}}
{{- end -}}
{{- if ge (int $global.views.replicas) (int .Values.elasticsearch.replicas) -}}
{{- $errors = append $errors (printf "global.views.replicas (%d) must be less than elasticsearch.replicas (%d): a node holds one copy of a shard, and replicas do not count the primary" (int $global.views.replicas) (int .Values.elasticsearch.replicas)) -}}
{{- end -}}
{{- end -}}
{{- if and (ge (int $topics.minInsyncReplicas) (int $topics.replication)) (ne (int $topics.replication) 1) -}}
{{- $errors = append $errors (printf "global.topics.minInsyncReplicas (%d) must be less than global.topics.replication (%d): else no broker may be away" (int $topics.minInsyncReplicas) (int $topics.replication)) -}}
{{- else if gt (int $topics.minInsyncReplicas) (int $topics.replication) -}}
{{- $errors = append $errors (printf "global.topics.minInsyncReplicas (%d) must be at most global.topics.replication (%d)" (int $topics.minInsyncReplicas) (int $topics.replication)) -}}
{{- end -}}
{{- if .Values.kafka.enabled -}}
{{- $brokers := int .Values.kafka.replicas -}}
{{- if gt (int $topics.replication) $brokers -}}
{{- $errors = append $errors (printf "global.topics.replication (%d) must be at most kafka.replicas (%d): a broker holds one copy" (int $topics.replication) $brokers) -}}
{{- end -}}
{{- if gt (int .Values.kafka.controllers) $brokers -}}
{{- $errors = append $errors (printf "kafka.controllers (%d) must be at most kafka.replicas (%d): they are the first of the brokers" (int .Values.kafka.controllers) $brokers) -}}
{{- end -}}
{{- $spare := max 1 (sub (int $topics.replication) (int $topics.minInsyncReplicas)) -}}
{{- $evicted := int .Values.kafka.podDisruptionBudget.maxUnavailable -}}
{{- if gt $evicted (int $spare) -}}
{{- $errors = append $errors (printf "kafka.podDisruptionBudget.maxUnavailable (%d) must be at most %d: else topics lose the copies that global.topics.minInsyncReplicas asks for" $evicted (int $spare)) -}}
{{- end -}}
{{- end -}}
{{- if .Values.hdfs.enabled -}}
{{- $nodes := int .Values.hdfs.datanode.replicas -}}
{{- $copies := int $global.dataset.replication -}}
{{- if gt $copies $nodes -}}
{{- $errors = append $errors (printf "global.dataset.replication (%d) must be at most hdfs.datanode.replicas (%d): a DataNode holds one copy" $copies $nodes) -}}
{{- end -}}
{{- $evicted := int .Values.hdfs.podDisruptionBudget.maxUnavailable -}}
{{- if and (gt $evicted 1) (ge $evicted $copies) -}}
{{- $errors = append $errors (printf "hdfs.podDisruptionBudget.maxUnavailable (%d) must be less than global.dataset.replication (%d): else blocks lose all copies" $evicted $copies) -}}
{{- end -}}
{{- end -}}
{{- range $job := list "ingest" "speed" -}}
{{- $values := get $.Values $job -}}
{{- if and $values.enabled (gt (int $values.replicas) (int $topics.partitions)) -}}
{{- $errors = append $errors (printf "%s.replicas (%d) must be at most global.topics.partitions (%d): a partition is read by one pod, the others idle" $job (int $values.replicas) (int $topics.partitions)) -}}
{{- end -}}
{{- end -}}
{{- with dig "standby" (dict) .Values.speed -}}
{{- if and $.Values.speed.enabled .enabled (gt (int .replicas) (int $topics.partitions)) -}}
{{- $errors = append $errors (printf "speed.standby.replicas (%d) must be at most global.topics.partitions (%d): a partition is read by one pod, the others idle" (int .replicas) (int $topics.partitions)) -}}
{{- end -}}
{{- end -}}
{{- range $path, $service := dict
  "serving" .Values.serving.service
  "elasticsearch" .Values.elasticsearch.service
  "prometheus" .Values.prometheus.service
  "grafana" .Values.grafana.service
  "hdfs.namenode" (dig "namenode" "service" (dict) .Values.hdfs) -}}
{{- with $service -}}
{{- if and .nodePort (eq .type "ClusterIP") -}}
{{- $errors = append $errors (printf "%s.service.nodePort (%d) needs %s.service.type NodePort or LoadBalancer" $path (int .nodePort) $path) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.hdfs.enabled (has $global.ipFamilyPolicy (list "" "SingleStack")) (eq (first $global.ipFamilies) "IPv6") -}}
{{- $errors = append $errors "global.ipFamilies is IPv6 alone and hdfs.enabled is true: Hadoop's clients read from IPv4 addresses only" -}}
{{- end -}}
{{- if and $global.otel.enabled (not $global.otel.endpoint) -}}
{{- $errors = append $errors "global.otel.enabled is true and global.otel.endpoint is empty: the URL of a collector is needed" -}}
{{- end -}}
{{- if and .Values.grafana.enabled (dig "server" "enabled" false .Values.grafana) -}}
{{- if and .Values.grafana.adminPassword .Values.grafana.admin.existingSecret -}}
{{- $errors = append $errors "grafana.adminPassword is set and grafana.admin.existingSecret is too: one of both" -}}
{{- end -}}
{{- $runs := and .Values.prometheus.enabled (dig "server" "enabled" false .Values.prometheus) -}}
{{- if not (or $runs .Values.grafana.datasources.prometheus.url) -}}
{{- $off := .Values.prometheus.enabled | ternary "prometheus.server.enabled" "prometheus.enabled" -}}
{{- $errors = append $errors (printf "%s is false and grafana.datasources.prometheus.url is empty: Grafana would find no Prometheus (without Grafana, grafana.enabled=false)" $off) -}}
{{- end -}}
{{- end -}}
{{- if $errors -}}
{{- $lines := list -}}
{{- range $errors }}{{ $lines = append $lines (printf "ERROR: %s" .) }}{{ end -}}
{{- fail (printf "\n%s" (join "\n" $lines)) -}}
{{- end -}}
{{- end }}
