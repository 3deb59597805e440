{{/* What becomes of the volumes of a StatefulSet, and their template. Takes {ctx, persistence}. */}}
{{- define "common.volumeClaims" -}}
{{- if .persistence.enabled -}}
persistentVolumeClaimRetentionPolicy:
  whenDeleted: {{ .persistence.whenDeleted }}
  whenScaled: Retain
volumeClaimTemplates:
  - apiVersion: v1
    kind: PersistentVolumeClaim
    metadata:
      name: data
    spec:
      accessModes: [ReadWriteOnce]
      {{- /* A dash asks for no class at all, as charts have it: a volume that somebody made. */}}
      {{- with .persistence.storageClass | default .ctx.Values.global.storageClass }}
      storageClassName: {{ eq . "-" | ternary "" . | quote }}
      {{- end }}
      resources:
        requests:
          storage: {{ include "common.scalar" (dict "value" .persistence.size "path" "persistence.size") }}
{{- end }}
{{- end }}

{{/* The volume of a pod without a claim. Takes {persistence}. */}}
{{- define "common.dataVolume" -}}
{{- if not .persistence.enabled -}}
- name: data
  emptyDir: {}
{{- end }}
{{- end }}
