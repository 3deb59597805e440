{{/*
Server settings that a release relies on, and the reason why users cannot change them. A name that ends in * is a prefix.
Every other setting of the user wins over the chart's.
*/}}
{{- define "pipeline.owned" -}}
kafka:
  process.roles: &pod it follows from the pod's name and kafka.controllers
  node.id: *pod
  broker.id: *pod
  controller.quorum.voters: *pod
  controller.quorum.bootstrap.servers: *pod
  controller.quorum.auto.join.enable: *pod
  listeners: &listen Services, probes and NetworkPolicies are made for the chart's listeners
  advertised.listeners: *listen
  early.start.listeners: *listen
  controller.listener.names: *listen
  inter.broker.listener.name: *listen
  security.inter.broker.protocol: *listen
  listener.security.protocol.map: *listen
  log.dirs: &volume the volume is mounted where the chart puts its data
  log.dir: *volume
  metadata.log.dir: *volume
hdfs:
  dfs.namenode.name.dir: *volume
  dfs.name.dir: *volume
  dfs.namenode.edits.dir: *volume
  dfs.name.edits.dir: *volume
  dfs.datanode.data.dir: *volume
  dfs.data.dir: *volume
  dfs.datanode.hostname: it is the pod's name
  slave.host.name: it is the pod's name
  fs.defaultFS: &ports Services, probes and NetworkPolicies are made for the chart's addresses
  fs.default.name: *ports
  dfs.namenode.rpc-address: *ports
  dfs.namenode.rpc-bind-host: *ports
  dfs.namenode.servicerpc-address: *ports
  dfs.namenode.http-address: *ports
  dfs.namenode.http-bind-host: *ports
  dfs.http.address: *ports
  dfs.http.policy: *ports
  dfs.datanode.address: *ports
  dfs.datanode.http.address: *ports
  dfs.datanode.ipc.address: *ports
  dfs.nameservices: &alone the release has one NameNode
  dfs.internal.nameservices: *alone
  dfs.ha.*: *alone
  dfs.permissions.supergroup: write dfs.permissions.superusergroup, its name of today
  heartbeat.recheck.interval: write dfs.namenode.heartbeat.recheck-interval, its name of today
elasticsearch:
  node.name: it is the pod's name
  path.data: *volume
  cluster.initial_master_nodes: &founders it follows from elasticsearch.replicas
  discovery.type: *founders
  http.port: *ports
  transport.port: *ports
  xpack.security.enabled: &security it follows from elasticsearch.security.existingSecret
  xpack.security.http.ssl.*: *security
  xpack.security.transport.ssl.*: *security
prometheus:
  config.file: the chart writes it, with prometheus.extraScrapeConfigs and prometheus.extraRules
  storage.tsdb.path: *volume
  web.listen-address: *ports
  web.external-url: &url it follows from prometheus.externalUrl
  web.route-prefix: *url
  agent: rules and dashboards need the server
grafana:
  GF_PATHS_PROVISIONING: the chart's datasources and dashboards lie there
  GF_SERVER_HTTP_PORT: *ports
  GF_SERVER_PROTOCOL: *ports
  GF_SECURITY_ADMIN_PASSWORD: &login write grafana.adminPassword or grafana.admin.existingSecret
  GF_SECURITY_ADMIN_PASSWORD__FILE: *login
{{- end }}

{{/* Patterns of the settings' names, by server. */}}
{{- define "pipeline.settingNames" -}}
kafka: '^[\w.-]+$'
hdfs: '^[\w.*@-]+$'
elasticsearch: '^[\w.-]+$'
prometheus: '^[a-z][a-z0-9.-]*$'
grafana: '^GF_[A-Z0-9_]+$'
{{- end }}

{{/* Errors in the servers' settings, one line each: a JSON list. */}}
{{- define "pipeline.ownedErrors" -}}
{{- $errors := list -}}
{{- $forms := include "pipeline.settingNames" . | fromYaml -}}
{{- range $server, $owned := include "pipeline.owned" . | fromYaml -}}
{{- $values := get $.Values $server -}}
{{- $settings := dict -}}
{{- if $values.enabled -}}
{{- include "common.flatten" (dict "settings" ($values.config | default dict) "into" $settings "path" (printf "%s.config" $server) "prefix" "") -}}
{{- end -}}
{{- range $key := keys $settings | sortAlpha -}}
{{- if not (regexMatch (get $forms $server) $key) -}}
{{- $errors = append $errors (printf "%s.config has no setting %s: names match %s" $server ($key | toJson) (get $forms $server)) -}}
{{- end -}}
{{- range $name, $why := $owned -}}
{{- if or (eq $key $name) (and (hasSuffix "*" $name) (hasPrefix (trimSuffix "*" $name) $key)) -}}
{{- $errors = append $errors (printf "%s.config.%s cannot be set: %s" $server $key $why) -}}
{{- end -}}
{{- end -}}
{{- if and (eq $server "prometheus") (hasPrefix "no-" $key) -}}
{{- $errors = append $errors (printf "prometheus.config.%s cannot be set: write %s: false" $key (trimPrefix "no-" $key)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $errors | toJson -}}
{{- end }}
