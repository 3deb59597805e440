{{/*
A user's value as text for a server's configuration: every digit of a number, and one line. Values files turn all numbers into
floats, which Go prints as 1e+06. A list is joined by commas. Takes {value, path}: its path in the values, for the message.
*/}}
{{- define "common.scalar" -}}
{{- $value := .value -}}
{{- if kindIs "slice" $value -}}
{{- $items := list -}}
{{- range $value }}{{ $items = append $items (include "common.scalar" (dict "value" . "path" $.path)) }}{{ end -}}
{{- join "," $items -}}
{{- else if kindIs "float64" $value -}}
{{- if or (ge $value 9007199254740992.0) (le $value -9007199254740992.0) -}}
{{- fail (printf "\nERROR: %s (%v) has more digits than YAML keeps of a number: write it in quotes" .path $value) -}}
{{- end -}}
{{- $value | toJson -}}
{{- else -}}
{{- $text := toString $value -}}
{{- /* Also the characters that YAML treats as line breaks. */ -}}
{{- if regexMatch "[\\x00-\\x08\\x0a-\\x1f\\x7f\\x{85}\\x{2028}\\x{2029}]" $text -}}
{{- fail (printf "\nERROR: %s (%s) holds a line break or another control character: a setting is one line" .path ($text | toJson)) -}}
{{- end -}}
{{- $text -}}
{{- end -}}
{{- end }}

{{/*
A value as java.util.Properties reads it: a backslash begins an escape there, white space before a value is skipped, and
only ASCII is the same in every encoding. Takes {value, path}.
*/}}
{{- define "common.propertiesValue" -}}
{{- $text := include "common.scalar" . -}}
{{- $escaped := printf "%+q" $text | trimPrefix "\"" | trimSuffix "\"" | replace "\\\"" "\"" -}}
{{- if regexMatch "[^\\x{0}-\\x{ffff}]" $text -}}
{{- fail (printf "\nERROR: %s (%s) holds a character that a properties file cannot have" .path $text) -}}
{{- end -}}
{{- if hasPrefix " " $escaped }}\{{ end }}{{ $escaped -}}
{{- end }}

{{/*
Merges the user's settings over the chart's, in place; null removes one of the chart's. (merge would treat false, 0 and "" as
unset.) Takes {onto, settings}.
*/}}
{{- define "common.overlay" -}}
{{- range $key, $value := .settings -}}
{{- if kindIs "invalid" $value }}{{ $_ := unset $.onto $key }}{{ else }}{{ $_ := set $.onto $key $value }}{{ end -}}
{{- end -}}
{{- end }}

{{/* The leaves of nested settings, by their dotted keys. Takes {settings, into, path, prefix}. */}}
{{- define "common.flatten" -}}
{{- range $name, $value := .settings -}}
{{- $key := printf "%s%s" $.prefix $name -}}
{{- if kindIs "map" $value -}}
{{- include "common.flatten" (dict "settings" $value "into" $.into "path" $.path "prefix" (printf "%s." $key)) -}}
{{- else -}}
{{- if hasKey $.into $key -}}
{{- fail (printf "\nERROR: %s has %s twice: nested and with dots" $.path $key) -}}
{{- end -}}
{{- $_ := set $.into $key $value -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Further variables of a container, whose values are strings. Takes the chart's scope. */}}
{{- define "common.extraEnv" -}}
{{- $list := list -}}
{{- range .Values.extraEnv -}}
{{- $variable := deepCopy . -}}
{{- if hasKey . "value" -}}
{{- $path := printf "%s.extraEnv %v" $.Chart.Name .name -}}
{{- /* A string may have several lines. */ -}}
{{- if not (kindIs "string" .value) }}{{ $_ := set $variable "value" (include "common.scalar" (dict "value" .value "path" $path)) }}{{ end -}}
{{- end -}}
{{- $list = append $list $variable -}}
{{- end -}}
{{- $list | toYaml -}}
{{- end }}
