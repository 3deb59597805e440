{{/* Retention policy and template of a StatefulSet's volumes. Takes {ctx, persistence}. */}}
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
      {{- /* A dash requests no storage class, as in other charts: a volume that was created by hand. */}}
      {{- with .persistence.storageClass | default .ctx.Values.global.storageClass }}
      storageClassName: {{ eq . "-" | ternary "" . | quote }}
      {{- end }}
      resources:
        requests:
          storage: {{ include "common.scalar" (dict "value" .persistence.size "path" "persistence.size") }}
{{- end }}
{{- end }}

{{/* The volume of a pod if it has no claim. Takes {persistence}. */}}
{{- define "common.dataVolume" -}}
{{- if not .persistence.enabled -}}
- name: data
  emptyDir: {}
{{- end }}
{{- end }}
