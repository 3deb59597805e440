{{/* The servers that a job works with. Takes the job's scope. */}}
{{- define "common.job.servers" -}}
{{- range include "common.needs" . | fromJsonArray }}{{ if eq .job $.Chart.Name }}{{ .needs | toJson }}{{ end }}{{ end -}}
{{- end }}

{{/* A job's configuration: its own settings, and those that the chart wires. Takes the job's scope. */}}
{{- define "common.job.config" -}}
{{- $job := .Chart.Name -}}
{{- $wired := dict "grace" (printf "%ds" (sub (int .Values.terminationGracePeriodSeconds) 10)) -}}
{{- range include "common.job.servers" . | fromJsonArray -}}
{{- $_ := set $wired . (include (printf "common.wiring.%s" .) (dict "ctx" $) | fromJson) -}}
{{- end -}}
{{- if ne $job "generator" }}{{ $_ := set $wired "partitions" (int .Values.global.topics.partitions) }}{{ end -}}
{{- if eq $job "ingest" }}{{ $_ := set $wired "maxFuture" .Values.global.maxFuture }}{{ end -}}
{{- if has $job (list "batch" "serving") }}{{ $_ := set $wired "speed" (dict "urls" (list (printf "http://%s-speed:8090" .Release.Name))) }}{{ end -}}
{{- if eq $job "batch" }}{{ $_ := set $wired "views" (dict "maxFuture" .Values.global.maxFuture) }}{{ end -}}
{{ mergeOverwrite (deepCopy .Values.config) $wired | toPrettyJson }}
{{- end }}

{{/* The ConfigMap of a job. Takes the job's scope. */}}
{{- define "common.job.configMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "common.metadata" (dict "ctx" . "component" .Chart.Name) | nindent 2 }}
data:
  config.json: |
    {{- include "common.job.config" . | nindent 4 }}
{{- end }}

{{/* A job's configuration and secrets as one volume, since a mount cannot be inside a read-only mount. */}}
{{- define "common.job.volume" -}}
- name: {{ .Chart.Name }}
  projected:
    sources:
      - configMap:
          name: {{ .Release.Name }}-{{ .Chart.Name }}
      {{- range $server := include "common.job.servers" . | fromJsonArray }}
      {{- $keys := include "common.wiring.secretKeys" (dict "ctx" $ "server" $server) | fromJsonArray }}
      {{- if $keys }}
      - secret:
          name: {{ (get $.Values.global.credentials $server).existingSecret }}
          items:
            {{- range $keys }}
            - key: {{ . }}
              path: secrets/{{ $server }}/{{ . }}
            {{- end }}
      {{- end }}
      {{- end }}
{{- end }}

{{/* Reference of a job's image, which is another one with OpenTelemetry. Takes the job's scope. */}}
{{- define "common.job.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{- if .Values.global.otel.enabled }}{{ $tag = printf "%s-otel" $tag }}{{ end -}}
{{- include "common.imageReference" (dict "ctx" . "own" true "image" (merge (dict "tag" $tag) .Values.image)) -}}
{{- end }}

{{/* Variables of OpenTelemetry, as its specification names them. Takes the job's scope. */}}
{{- define "common.job.otel" -}}
{{- $otel := .Values.global.otel -}}
{{- if $otel.enabled -}}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ $otel.endpoint | quote }}
- name: OTEL_EXPORTER_OTLP_PROTOCOL
  value: {{ $otel.protocol }}
- name: OTEL_SERVICE_NAME
  value: {{ .Chart.Name }}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: service.namespace={{ .Release.Name }},service.version={{ .Chart.AppVersion }},k8s.namespace.name={{ .Release.Namespace }},k8s.pod.name=$(POD_NAME)
{{- else -}}
[]
{{- end }}
{{- end }}

{{/*
A container that runs a command of a job. Takes {ctx, name, args, resources?, serves?, ports?}: resources default to the
job's; serves adds probes; ports opens the command's ports while it runs.
*/}}
{{- define "common.job.container" -}}
{{- $values := .ctx.Values -}}
name: {{ .name }}
image: {{ include "common.job.image" .ctx }}
imagePullPolicy: {{ $values.image.pullPolicy }}
args:
  {{- toYaml (concat .args (list "--config" "/etc/reddit-pipeline/config.json")) | nindent 2 }}
{{- with concat (include "common.job.otel" .ctx | fromYamlArray) (include "common.extraEnv" .ctx | fromYamlArray) }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .ports }}
ports:
  - name: metrics
    containerPort: 8080
  {{- if and .serves (eq .ctx.Chart.Name "serving") }}
  - name: http
    containerPort: 30080
  {{- end }}
  {{- if and .serves (eq .ctx.Chart.Name "speed") }}
  - name: parts
    containerPort: 8090
  {{- end }}
{{- end }}
{{- if .serves }}
livenessProbe:
  {{- include "common.probe" (dict "action" (dict "httpGet" (dict "path" "/healthz" "port" "metrics")) "timing" $values.probes.liveness) | nindent 2 }}
readinessProbe:
  {{- include "common.probe" (dict "action" (dict "httpGet" (dict "path" "/readyz" "port" "metrics")) "timing" $values.probes.readiness) | nindent 2 }}
{{- end }}
resources:
  {{- toYaml (.resources | default $values.resources) | nindent 2 }}
securityContext:
  {{- include "common.securityContext" . | nindent 2 }}
volumeMounts:
  - name: {{ .ctx.Chart.Name }}
    mountPath: /etc/reddit-pipeline
    readOnly: true
  - name: tmp
    mountPath: /tmp
{{- end }}

{{/*
The pod template of one or several commands, one after the other. Takes {ctx, component, steps, serves?, apart?,
restartPolicy}; a step is {ctx, name, args, resources?}. Everything but the steps comes from ctx.
*/}}
{{- define "common.job.podTemplate" -}}
{{- $steps := .steps -}}
{{- $serves := .serves -}}
{{- /* The steps that run once per release end before anything could scrape them. */ -}}
{{- $ports := or $serves (eq .component .ctx.Chart.Name) -}}
{{- $checksums := dict -}}
{{- $volumes := dict -}}
{{- range $steps -}}
{{- $suffix := ternary "config" (printf "config-%s" .ctx.Chart.Name) (eq (len $steps) 1) -}}
{{- $_ := set $checksums $suffix (include "common.job.config" .ctx | sha256sum) -}}
{{- $_ := set $volumes .ctx.Chart.Name (include "common.job.volume" .ctx) -}}
{{- end -}}
metadata:
  {{- include "common.podMetadata" (dict "ctx" .ctx "component" .component "checksums" $checksums) | nindent 2 }}
spec:
  {{- include "common.podSpec" (dict "ctx" .ctx "component" .component "user" 65532 "apart" .apart) | nindent 2 }}
  restartPolicy: {{ .restartPolicy }}
  {{- with initial $steps }}
  initContainers:
    {{- range . }}
    - {{ include "common.job.container" . | nindent 6 | trim }}
    {{- end }}
  {{- end }}
  containers:
    - {{ include "common.job.container" (merge (dict "serves" $serves "ports" $ports) (last $steps)) | nindent 6 | trim }}
  volumes:
    {{- range $volumes }}
    {{- . | nindent 4 }}
    {{- end }}
    - name: tmp
      emptyDir: {}
{{- end }}

{{/*
A Deployment that runs a job. Takes {ctx, component?, args, replicas, strategy, minReadySeconds?, apart?}: the component is the
job's own by default; see common.podSpec.
*/}}
{{- define "common.job.deployment" -}}
{{- $component := .component | default .ctx.Chart.Name -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "common.metadata" (dict "ctx" .ctx "component" $component) | nindent 2 }}
spec:
  replicas: {{ .replicas }}
  revisionHistoryLimit: 5
  {{- with .minReadySeconds }}
  minReadySeconds: {{ . }}
  {{- end }}
  strategy:
    {{- toYaml .strategy | nindent 4 }}
  selector:
    matchLabels:
      {{- include "common.selectorLabels" (dict "ctx" .ctx "component" $component) | nindent 6 }}
  template:
    {{- include "common.job.podTemplate" (dict
      "ctx" .ctx "component" $component "serves" true "restartPolicy" "Always" "apart" .apart
      "steps" (list (dict "ctx" .ctx "name" $component "args" .args))) | nindent 4 }}
{{- end }}

{{/* Flags of a verification: keys of each view, or all, and the time limit. Takes {sample, within}; is a JSON list. */}}
{{- define "common.job.verifyArgs" -}}
{{- $args := list "verify" "--within" (include "common.scalar" (dict "value" .within "path" "verify.within")) -}}
{{- with .sample }}{{ $args = concat $args (list "--sample" (int64 . | toString)) }}{{ end -}}
{{ $args | toJson }}
{{- end }}

{{/* A CronJob that runs a command of a job, one run at a time. Takes {ctx, suffix?, args, cron}. */}}
{{- define "common.job.cronJob" -}}
{{- $component := .ctx.Chart.Name -}}
apiVersion: batch/v1
kind: CronJob
metadata:
  {{- include "common.metadata" (dict "ctx" .ctx "component" $component "suffix" .suffix) | nindent 2 }}
spec:
  schedule: {{ .cron.schedule | quote }}
  timeZone: {{ .cron.timeZone | toYaml }}
  suspend: {{ .cron.suspend }}
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: {{ .cron.startingDeadlineSeconds | int64 }}
  successfulJobsHistoryLimit: {{ .cron.successfulJobsHistoryLimit }}
  failedJobsHistoryLimit: {{ .cron.failedJobsHistoryLimit }}
  jobTemplate:
    metadata:
      labels:
        {{- include "common.labels" (dict "ctx" .ctx "component" $component) | nindent 8 }}
    spec:
      backoffLimit: {{ .cron.backoffLimit }}
      {{- with .cron.activeDeadlineSeconds }}
      activeDeadlineSeconds: {{ . | int64 }}
      {{- end }}
      # Bad configuration, a difference, or a verification that exceeded its time limit: a retry would end the same way.
      podFailurePolicy:
        rules:
          - action: FailJob
            onExitCodes:
              containerName: {{ .suffix | default $component }}
              operator: In
              values: [2, 3, 4]
      template:
        {{- include "common.job.podTemplate" (dict
          "ctx" .ctx "component" $component "restartPolicy" "Never"
          "steps" (list (dict "ctx" .ctx "name" (.suffix | default $component) "args" .args))) | nindent 8 }}
{{- end }}
