{{/* Address of the NameNode for DataNodes and tools. */}}
{{- define "hdfs.namenode" -}}
{{ include "common.host" (dict "ctx" . "name" (printf "%s-namenode" .Release.Name)) }}
{{- end }}

{{- define "hdfs.coreSite" -}}
{{ include "hdfs.xml" (dict
  "fs.defaultFS" (printf "hdfs://%s:8020" (include "hdfs.namenode" .))
  "hadoop.prometheus.endpoint.enabled" true
  "hadoop.http.staticuser.user" .Values.global.dataset.user
  "hadoop.tmp.dir" "/tmp/hadoop") }}
{{- end }}

{{/*
To Java, 0.0.0.0 means every address of both families, and works without IPv6, unlike ::.
A silent DataNode gets no new blocks after 5 seconds and counts as dead after 40. A write continues without a dead DataNode,
since three nodes have no fourth to replace it; the NameNode makes the missing copies later.
*/}}
{{- define "hdfs.hdfsSite" -}}
{{- $properties := dict
  "dfs.replication" (int .Values.global.dataset.replication)
  "dfs.namenode.name.dir" "file:///hadoop/dfs/name"
  "dfs.datanode.data.dir" "file:///hadoop/dfs/data"
  "dfs.namenode.rpc-address" (printf "%s:8020" (include "hdfs.namenode" .))
  "dfs.namenode.rpc-bind-host" "0.0.0.0"
  "dfs.namenode.http-address" "0.0.0.0:9870"
  "dfs.permissions.superusergroup" .Values.global.dataset.user
  "dfs.client.use.datanode.hostname" true
  "dfs.datanode.use.datanode.hostname" true
  "dfs.namenode.datanode.registration.ip-hostname-check" false
  "dfs.heartbeat.interval" 1
  "dfs.namenode.heartbeat.recheck-interval" 15000
  "dfs.namenode.stale.datanode.interval" 5000
  "dfs.namenode.avoid.read.stale.datanode" true
  "dfs.namenode.avoid.write.stale.datanode" true
  "dfs.client.block.write.replace-datanode-on-failure.policy" "NEVER" -}}
{{- include "common.overlay" (dict "onto" $properties "settings" .Values.config) -}}
{{ include "hdfs.xml" $properties }}
{{- end }}

{{/* Properties as Hadoop reads them. */}}
{{- define "hdfs.xml" -}}
<configuration>
{{- range $name, $value := . }}
  <property><name>{{ $name | html }}</name><value>{{ include "common.scalar" (dict "value" $value "path" (printf "hdfs.config.%s" $name)) | html }}</value></property>
{{- end }}
</configuration>
{{- end }}

{{/* Environment of both kinds of nodes. Takes {ctx, heap, options}: the variable of their options. */}}
{{- define "hdfs.env" -}}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: DOMAIN
  value: {{ include "common.host" (dict "ctx" .ctx "name" (printf "%s-datanode" .ctx.Release.Name)) }}
- name: HADOOP_HOME
  value: /opt/hadoop
- name: HADOOP_CONF_DIR
  value: /etc/hadoop
- name: HADOOP_LOG_DIR
  value: /tmp
- name: HADOOP_USER_NAME
  value: {{ .ctx.Values.global.dataset.user }}
- name: HADOOP_ROOT_LOGGER
  value: INFO,console
# Hadoop needs these packages by reflection, which Java closes by default. Without these options Hadoop listens on IPv4 only.
- name: HADOOP_OPTS
  value: >-
    -Djava.net.preferIPv4Stack=false
    --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.lang.reflect=ALL-UNNAMED
    --add-opens=java.base/java.io=ALL-UNNAMED --add-opens=java.base/java.util=ALL-UNNAMED
    --add-opens=java.base/sun.nio.ch=ALL-UNNAMED
- name: {{ .options }}
  value: -Xms{{ .heap }} -Xmx{{ .heap }}
{{- if .ctx.Values.extraEnv }}
{{ include "common.extraEnv" .ctx }}
{{- end }}
{{- end }}

{{/* A StatefulSet's pod. Takes {ctx, component, own, ports, mbean, options, agent?}: own are its values, mbean reports its state. */}}
{{- define "hdfs.podTemplate" -}}
{{- $probes := .ctx.Values.probes -}}
{{- $alive := dict "httpGet" (dict "path" (printf "/jmx?qry=%s" .mbean) "port" "http") -}}
metadata:
  {{- include "common.podMetadata" (merge (dict "checksums" (dict
    "config" (include (print .ctx.Template.BasePath "/hdfs-configmap.yaml") .ctx | sha256sum))) .) | nindent 2 }}
spec:
  {{- include "common.podSpec" (merge (dict "user" .ctx.Values.runAsUser) .) | nindent 2 }}
  {{- if .agent }}
  {{- include "common.jmxExporter.initContainers" .ctx | nindent 2 }}
  {{- end }}
  containers:
    - name: {{ .component }}
      image: {{ include "common.image" .ctx }}
      imagePullPolicy: {{ .ctx.Values.image.pullPolicy }}
      command: [bash, /etc/hadoop/{{ .component }}.sh]
      env:
        {{- include "hdfs.env" (dict "ctx" .ctx "heap" .own.heap "options" .options) | nindent 8 }}
        {{- if .agent }}
        {{- include "common.jmxExporter.env" (dict "ctx" .ctx "config" "/etc/hadoop/jmx-exporter.yaml") | nindent 8 }}
        {{- end }}
      ports:
        {{- range $name, $port := .ports }}
        - name: {{ $name }}
          containerPort: {{ $port }}
        {{- end }}
        {{- if .agent }}
        {{- include "common.jmxExporter.ports" .ctx | nindent 8 }}
        {{- end }}
      startupProbe:
        {{- include "common.probe" (dict "action" $alive "timing" $probes.startup) | nindent 8 }}
      livenessProbe:
        {{- include "common.probe" (dict "action" $alive "timing" $probes.liveness) | nindent 8 }}
      readinessProbe:
        {{- include "common.probe" (dict "action" $alive "timing" $probes.readiness) | nindent 8 }}
      resources:
        {{- toYaml .own.resources | nindent 8 }}
      securityContext:
        {{- include "common.securityContext" . | nindent 8 }}
      volumeMounts:
        - name: config
          mountPath: /etc/hadoop
          readOnly: true
        - name: data
          mountPath: /hadoop/dfs
        - name: tmp
          mountPath: /tmp
        {{- if .agent }}
        {{- include "common.jmxExporter.volumeMounts" .ctx | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ .ctx.Release.Name }}-hdfs
    - name: tmp
      emptyDir: {}
    {{- if .agent }}
    {{- include "common.jmxExporter.volumes" .ctx | nindent 4 }}
    {{- end }}
    {{- include "common.dataVolume" .own | nindent 4 }}
{{- end }}
