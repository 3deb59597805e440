{{/* Written by `make charts` from the jobs: the servers that each of them needs. A JSON list. */}}
{{- define "common.needs" -}}
[
  {"job": "generator", "needs": ["kafka", "hdfs"]},
  {"job": "ingest", "needs": ["kafka", "hdfs"]},
  {"job": "batch", "needs": ["kafka", "hdfs", "elasticsearch"]},
  {"job": "speed", "needs": ["kafka", "elasticsearch"]},
  {"job": "serving", "needs": ["kafka", "elasticsearch"]}
]
{{- end }}
