{{/* The Secret with the administrator's name and password; empty if there is none. */}}
{{- define "grafana.adminSecret" -}}
{{- if .Values.admin.existingSecret }}{{ .Values.admin.existingSecret -}}
{{- else if .Values.adminPassword }}{{ include "common.fullname" (dict "ctx" . "component" "grafana") }}{{ end -}}
{{- end }}

{{- define "grafana.prometheusUrl" -}}
{{ .Values.datasources.prometheus.url | default (printf "http://%s:9090" (include "common.host" (dict "ctx" . "name" (printf "%s-prometheus" .Release.Name)))) }}
{{- end }}

{{/* Grafana's settings, as variables: it sends, fetches and installs nothing, and allows no sign-up. */}}
{{- define "grafana.settings" -}}
{{- $admin := ternary (dict
  "GF_SECURITY_ADMIN_USER" "$__file{/etc/grafana-admin/admin-user}"
  "GF_SECURITY_ADMIN_PASSWORD" "$__file{/etc/grafana-admin/admin-password}") (dict
  "GF_SECURITY_ADMIN_PASSWORD" "$__file{/var/lib/grafana/admin-password}") (ne (include "grafana.adminSecret" .) "") -}}
{{- $settings := merge $admin (dict
  "GF_PATHS_PROVISIONING" "/etc/grafana-provisioning"
  "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH" "/etc/grafana-dashboards/reddit-now.json"
  "GF_AUTH_ANONYMOUS_ENABLED" "false"
  "GF_USERS_ALLOW_SIGN_UP" "false"
  "GF_SECURITY_DISABLE_GRAVATAR" "true"
  "GF_ANALYTICS_REPORTING_ENABLED" "false"
  "GF_ANALYTICS_CHECK_FOR_UPDATES" "false"
  "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES" "false"
  "GF_ANALYTICS_FEEDBACK_LINKS_ENABLED" "false"
  "GF_NEWS_NEWS_FEED_ENABLED" "false"
  "GF_SNAPSHOTS_EXTERNAL_ENABLED" "false"
  "GF_PLUGINS_PREINSTALL_DISABLED" "true"
  "GF_PLUGINS_PLUGIN_ADMIN_ENABLED" "false"
  "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED" "true") -}}
{{- include "common.overlay" (dict "onto" $settings "settings" .Values.config) -}}
{{- range $name, $value := $settings -}}
{{- /* A setting that is read from a file is not set as a variable. */ -}}
{{- if not (hasKey $settings (printf "%s__FILE" $name)) }}
{{ $name }}: {{ include "common.scalar" (dict "value" $value "path" (printf "grafana.config.%s" $name)) | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Prometheus, and the alias of each view in Elasticsearch. Secrets are read from files. */}}
{{- define "grafana.datasources" -}}
{{- $login := .Values.global.credentials.elasticsearch -}}
{{- $file := "$__file{/etc/grafana-elasticsearch/%s}" -}}
{{- $url := include "common.endpoints.elasticsearch" (dict "ctx" .) | fromJsonArray | first -}}
{{- $list := list (dict
  "name" "Prometheus" "uid" "prometheus" "type" "prometheus" "access" "proxy" "isDefault" true
  "url" (include "grafana.prometheusUrl" .)
  "jsonData" (dict "httpMethod" "POST" "timeInterval" .Values.datasources.prometheus.scrapeInterval)) -}}
{{- range $view, $timeField := dict "top_posts" "created_utc" "subreddit_activity" "window_start" "user_activity" "window_start" -}}
{{- $alias := printf "%sviews_%s_v1" $.Values.global.views.prefix $view -}}
{{- $json := dict "index" $alias "timeField" $timeField -}}
{{- $secure := dict -}}
{{- $source := dict
  "name" (printf "Views: %s" (replace "_" " " $view)) "uid" (printf "views-%s" (replace "_" "-" $view))
  "type" "elasticsearch" "access" "proxy" "url" $url -}}
{{- if $login.ca -}}
{{- $_ := set $json "tlsAuthWithCACert" true -}}
{{- $_ := set $secure "tlsCACert" (printf $file "ca.crt") -}}
{{- end -}}
{{- if $login.apiKey -}}
{{- $_ := set $json "httpHeaderName1" "Authorization" -}}
{{- $_ := set $secure "httpHeaderValue1" (printf "ApiKey %s" (printf $file "api-key")) -}}
{{- else if $login.username -}}
{{- $_ := set $source "basicAuth" true -}}
{{- $_ := set $source "basicAuthUser" $login.username -}}
{{- $_ := set $secure "basicAuthPassword" (printf $file "password") -}}
{{- end -}}
{{- $_ := set $source "jsonData" $json -}}
{{- if $secure }}{{ $_ := set $source "secureJsonData" $secure }}{{ end -}}
{{- $list = append $list $source -}}
{{- end -}}
{{ dict "apiVersion" 1 "prune" true "datasources" $list | toYaml }}
{{- end }}

{{/* The folder of the dashboards, which Grafana reloads when their ConfigMaps change. */}}
{{- define "grafana.dashboardProvider" -}}
apiVersion: 1
providers:
  - name: reddit-pipeline
    folder: reddit-pipeline
    type: file
    allowUiUpdates: false
    updateIntervalSeconds: 30
    options:
      path: /etc/grafana-dashboards
{{- end }}
