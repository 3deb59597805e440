{{/* The restricted Pod Security Standard. Takes {user}: the user id, which is also the group id. */}}
{{- define "common.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ int64 .user }}
runAsGroup: {{ int64 .user }}
fsGroup: {{ int64 .user }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* The security context of every container. */}}
{{- define "common.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Metadata of a component's pods. Takes {ctx, component, checksums?}: names and checksums whose change restarts them. */}}
{{- define "common.podMetadata" -}}
labels:
  {{- include "common.labels" . | nindent 2 }}
  {{- with .ctx.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- if or .checksums .ctx.Values.podAnnotations }}
annotations:
  {{- range $name, $checksum := .checksums }}
  checksum/{{ $name }}: {{ $checksum }}
  {{- end }}
  {{- with .ctx.Values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}

{{/*
The beginning of every pod's spec: identity, security, placement. Takes {ctx, component, user, token?, apart?}: whether it gets a
token for the API server, and the component from whose pods it keeps away if possible.
*/}}
{{- define "common.podSpec" -}}
{{- $values := .ctx.Values -}}
serviceAccountName: {{ .ctx.Release.Name }}-{{ .ctx.Chart.Name }}
automountServiceAccountToken: {{ .token | default false }}
enableServiceLinks: false
{{- with $values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - {{ kindIs "map" . | ternary . (dict "name" .) | toYaml }}
  {{- end }}
{{- end }}
securityContext:
  {{- include "common.podSecurityContext" . | nindent 2 }}
terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . | toYaml }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $affinity := deepCopy $values.affinity -}}
{{- if and .apart $values.spread.topologyKey (not $affinity.podAntiAffinity) -}}
{{- $labels := include "common.selectorLabels" (dict "ctx" .ctx "component" .apart) | fromYaml -}}
{{- $term := dict "topologyKey" $values.spread.topologyKey "labelSelector" (dict "matchLabels" $labels) -}}
{{- $preferred := list (dict "weight" 100 "podAffinityTerm" $term) -}}
{{- $_ := set $affinity "podAntiAffinity" (dict "preferredDuringSchedulingIgnoredDuringExecution" $preferred) -}}
{{- end }}
{{- with $affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $values.spread.topologyKey }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: {{ $values.spread.topologyKey | toYaml }}
    whenUnsatisfiable: {{ $values.spread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "common.selectorLabels" . | nindent 8 }}
{{- end }}
{{- end }}

{{/* A probe. Takes {action, timing}. */}}
{{- define "common.probe" -}}
{{- merge (deepCopy .action) .timing | toYaml -}}
{{- end }}

{{/* The service account of a chart's pods, without a token. Takes {ctx}. */}}
{{- define "common.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "common.metadata" (dict "ctx" .ctx "component" .ctx.Chart.Name) | nindent 2 }}
  {{- with .ctx.Values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end }}

{{/* The number of simultaneous evictions that the component's copies tolerate. Takes {ctx, component, maxUnavailable}. */}}
{{- define "common.podDisruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "common.metadata" . | nindent 2 }}
spec:
  maxUnavailable: {{ .ctx.Values.podDisruptionBudget.maxUnavailable | default .maxUnavailable | int64 }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "common.selectorLabels" . | nindent 6 }}
{{- end }}
