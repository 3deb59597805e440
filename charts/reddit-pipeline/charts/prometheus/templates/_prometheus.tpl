{{/* Scrape targets: the release's pods whose container has a port named metrics, and Hadoop's own endpoint. */}}
{{- define "prometheus.config" -}}
{{- $global := dict "scrape_interval" .Values.scrapeInterval "evaluation_interval" .Values.scrapeInterval -}}
{{- $pods := list (dict "role" "pod" "namespaces" (dict "own_namespace" true)) -}}
{{- $scrapes := list
  (dict "job_name" "pods" "kubernetes_sd_configs" $pods
    "relabel_configs" (include "prometheus.relabel" (dict "ctx" . "port" "metrics") | fromYamlArray))
  (dict "job_name" "hadoop" "metrics_path" "/prom" "kubernetes_sd_configs" $pods
    "relabel_configs" (concat
      (list (dict "source_labels" (list "__meta_kubernetes_pod_label_app_kubernetes_io_component") "regex" "namenode|datanode" "action" "keep"))
      (include "prometheus.relabel" (dict "ctx" . "port" "http") | fromYamlArray))
    "metric_relabel_configs" (include "prometheus.hadoop" . | fromYamlArray))
  (dict "job_name" "prometheus" "static_configs" (list (dict "targets" (list "localhost:9090")
    "labels" (dict "namespace" .Release.Namespace "release" .Release.Name "job" "prometheus")))) -}}
{{- $config := dict "global" $global "rule_files" (list "/etc/prometheus-rules/*.yaml")
  "scrape_configs" (concat $scrapes .Values.extraScrapeConfigs) -}}
{{- with .Values.alertmanagers -}}
{{- $_ := set $config "alerting" (dict "alertmanagers" (list (dict "static_configs" (list (dict "targets" .))))) -}}
{{- end -}}
{{ toYaml $config }}
{{- end }}

{{/*
Prometheus' flags, each once: a switch is --x or --no-x, and a list is a repeated flag. Prometheus reloads its configuration
only for the umbrella chart's rules about other components: changes of the chart's own files restart the pod.
*/}}
{{- define "prometheus.flags" -}}
{{- $flags := dict
  "config.file" "/etc/prometheus/prometheus.yml"
  "config.auto-reload" true
  "storage.tsdb.path" "/prometheus"
  "storage.tsdb.retention.time" .Values.retention.time
  "storage.tsdb.retention.size" .Values.retention.size
  "web.listen-address" ":9090"
  "web.user-assets" "/etc/prometheus-runbooks" -}}
{{- with .Values.externalUrl -}}
{{- include "common.overlay" (dict "onto" $flags "settings" (dict "web.external-url" . "web.route-prefix" "/")) -}}
{{- end -}}
{{- include "common.overlay" (dict "onto" $flags "settings" .Values.config) -}}
{{- $args := list -}}
{{- range $flag, $value := $flags -}}
{{- $path := printf "prometheus.config.%s" $flag -}}
{{- if has (toString $value) (list "true" "false") -}}
{{- $args = append $args (printf "--%s%s" (ternary "" "no-" (eq (toString $value) "true")) $flag) -}}
{{- else -}}
{{- range (kindIs "slice" $value | ternary $value (list $value)) -}}
{{- $args = append $args (printf "--%s=%s" $flag (include "common.scalar" (dict "value" . "path" $path))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{ toYaml $args }}
{{- end }}

{{/*
Running pods of the release at one named port, with the labels that rules and dashboards rely on. The exporter reports for
Elasticsearch. Takes {ctx, port}.
*/}}
{{- define "prometheus.relabel" -}}
- source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_instance]
  regex: {{ .ctx.Release.Name | quote }}
  action: keep
- source_labels: [__meta_kubernetes_pod_phase]
  regex: Running
  action: keep
- source_labels: [__meta_kubernetes_pod_container_port_name]
  regex: {{ .port }}
  action: keep
{{ include "prometheus.targetLabels" . }}
{{- end }}

{{/* The labels of every target, from Kubernetes' metadata of the pod. */}}
{{- define "prometheus.targetLabels" -}}
- source_labels: [__meta_kubernetes_namespace]
  target_label: namespace
- source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_instance]
  target_label: release
- source_labels: [__meta_kubernetes_pod_name]
  target_label: pod
- source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_component]
  regex: (.+?)(-exporter)?
  target_label: job
  replacement: $1
{{- end }}

{{/* Keeps the useful ones of a NameNode's thousands of series, and drops labels whose values change by themselves. */}}
{{- define "prometheus.hadoop" -}}
- source_labels: [__name__]
  regex: (fs_namesystem|namenode|name_node|datanode|startup_progress|jvm_metrics|rpc_rpc|rpc_call_queue|org_apache_hadoop_hdfs_server_datanode_fsdataset).*
  action: keep
- regex: totalsynctimes|enabledecpolicies|sessionid|hostname|context|processname|hastate
  action: labeldrop
{{- end }}

{{/* Metadata of the operator's objects, with the labels that it selects by. Takes {ctx, suffix?}. */}}
{{- define "prometheus.operatorMetadata" -}}
{{ include "common.metadata" (merge (dict "component" "prometheus") .) }}
{{- with .ctx.Values.operator.labels }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- end }}

{{/* Rule groups: recording rules, and every alert with its runbook and the overrides from values. */}}
{{- define "prometheus.rules" -}}
{{- $root := . -}}
{{- range $name, $_ := .Values.alerts -}}
{{- if not ($root.Files.Get (printf "files/alerts/%s.yaml" $name)) -}}
{{- fail (printf "\nERROR: prometheus.alerts.%s: there is no alert of that name; files/runbooks has them all" $name) -}}
{{- end -}}
{{- end -}}
{{- $thresholds := dict -}}
{{- range $name, $value := .Values.thresholds -}}
{{- $_ := set $thresholds $name (include "common.scalar" (dict "value" $value "path" (printf "prometheus.thresholds.%s" $name))) -}}
{{- end -}}
{{- $exact := dict "Values" (dict "thresholds" $thresholds) "Template" .Template -}}
{{- $alerts := list -}}
{{- range $path, $_ := .Files.Glob "files/alerts/*.yaml" -}}
{{- $alert := $root.Files.Get $path | fromYaml -}}
{{- $own := get $root.Values.alerts $alert.alert | default dict -}}
{{- if ne (toString (dig "enabled" true $own)) "false" -}}
{{- $_ := set $alert "expr" (tpl $alert.expr $exact) -}}
{{- $_ := set $alert "for" ($own.for | default $root.Values.hold | default $alert.for) -}}
{{- $_ := set $alert.labels "severity" ($own.severity | default $alert.labels.severity) -}}
{{- $_ := set $alert.annotations "runbook_url" (printf "%s/%s.md" ($root.Values.runbookUrl | default "{{ $externalURL }}/user") $alert.alert) -}}
{{- $alerts = append $alerts $alert -}}
{{- end -}}
{{- end -}}
{{- $groups := list
  (dict "name" "recording" "rules" (.Files.Get "files/rules/recording.yaml" | fromYamlArray))
  (dict "name" "alerts" "rules" $alerts) -}}
{{ dict "groups" (concat $groups .Values.extraRules) | toYaml }}
{{- end }}
