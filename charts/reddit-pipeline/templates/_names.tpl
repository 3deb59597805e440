{{/* Errors in names, one line each: a JSON list. */}}
{{- define "pipeline.nameErrors" -}}
{{- $errors := list -}}
{{- $release := .Release.Name -}}
{{- /* CronJobs append a suffix to names of at most 52 characters. */ -}}
{{- if gt (len $release) 35 -}}
{{- $errors = append $errors (printf "the release's name %s has %d characters: at most 35" $release (len $release)) -}}
{{- end -}}
{{- /* Helm accepts names that a Service may not have. */ -}}
{{- $label := "^[a-z]([a-z0-9-]*[a-z0-9])?$" -}}
{{- if not (regexMatch $label $release) -}}
{{- $errors = append $errors (printf "the release's name %s cannot begin the names of Services: it must be small letters, digits and dashes, with a letter at its beginning and no dash at its end" $release) -}}
{{- end -}}
{{- $namespace := .Release.Namespace -}}
{{- if or (gt (len $namespace) 63) (not (regexMatch "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$" $namespace)) -}}
{{- $errors = append $errors (printf "the namespace %s cannot be: its name must be at most 63 small letters, digits and dashes, with no dash at its ends" $namespace) -}}
{{- end -}}
{{- $errors | toJson -}}
{{- end }}

{{/*
Misspelt names under global, one line each: a JSON list. No schema can refuse a name there, since a parent chart has its
own. But a name that differs from one of this chart's by one letter, by two swapped letters or by case is not a parent's.
*/}}
{{- define "pipeline.globalErrors" -}}
{{- $errors := list -}}
{{- $known := list "imageRegistry" "imagePullSecrets" "jobs" "storageClass" "clusterDomain" "ipFamilyPolicy" "ipFamilies" "networkPolicy" "metrics" "otel" "endpoints" "credentials" "topics" "dataset" "views" "maxFuture" -}}
{{- range $name := keys .Values.global | sortAlpha -}}
{{- if not (has $name $known) -}}
{{- range $meant := $known -}}
{{- $forms := list $meant -}}
{{- if gt (len $meant) 4 -}}
{{- $forms = append $forms (printf "%s." $meant) -}}
{{- range $i := until (len $meant) -}}
{{- $before := substr 0 $i $meant -}}
{{- $forms = concat $forms (list (printf "%s.?%s" $before (substr (int (add1 $i)) -1 $meant)) (printf "%s.%s" $before (substr $i -1 $meant))) -}}
{{- if lt (int (add1 $i)) (len $meant) -}}
{{- $pair := substr $i (int (add $i 2)) $meant -}}
{{- $forms = append $forms (printf "%s%s%s%s" $before (substr 1 2 $pair) (substr 0 1 $pair) (substr (int (add $i 2)) -1 $meant)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if regexMatch (printf "(?i)^(%s)$" (join "|" $forms)) $name -}}
{{- $errors = append $errors (printf "global.%s is unknown: global.%s is meant" $name $meant) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $errors | toJson -}}
{{- end }}

{{/* Names of the user that collide with the chart's own, one line each: a JSON list. */}}
{{- define "pipeline.takenErrors" -}}
{{- $errors := list -}}
{{- range $chart, $values := .Values -}}
{{- if and (kindIs "map" $values) (ne $chart "global") -}}
{{- range $label, $_ := $values.podLabels -}}
{{- if regexMatch "^app\\.kubernetes\\.io/(name|instance|component|version|part-of|managed-by)$" $label -}}
{{- $errors = append $errors (printf "%s.podLabels.%s cannot be set: the chart tells its pods by it" $chart $label) -}}
{{- end -}}
{{- end -}}
{{- range $annotation, $_ := $values.podAnnotations -}}
{{- if hasPrefix "checksum/" $annotation -}}
{{- $errors = append $errors (printf "%s.podAnnotations.%s cannot be set: the chart rolls its pods by it" $chart $annotation) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range .Values.prometheus.extraScrapeConfigs -}}
{{- if has .job_name (list "pods" "hadoop" "prometheus") -}}
{{- $errors = append $errors (printf "prometheus.extraScrapeConfigs has a job_name %s: the chart has one of that name" .job_name) -}}
{{- end -}}
{{- end -}}
{{- range .Values.prometheus.extraRules -}}
{{- if has .name (list "recording" "alerts") -}}
{{- $errors = append $errors (printf "prometheus.extraRules has a group %s: the chart has one of that name" .name) -}}
{{- end -}}
{{- end -}}
{{- $errors | toJson -}}
{{- end }}
