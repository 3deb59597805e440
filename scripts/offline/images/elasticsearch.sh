#!/bin/bash
# Stands in for the script of Elasticsearch's distribution that starts a node.
set -euo pipefail
home=/usr/share/elasticsearch
# Words on purpose: the variable holds several options.
# shellcheck disable=SC2086
exec "$JAVA_HOME/bin/java" "@$home/lib/java.options" "-Djava.io.tmpdir=${ES_TMPDIR:-/tmp}" \
  ${ES_JAVA_OPTS-} --module-path "$home/jars" -cp "$home/launcher" \
  Launcher "$home" "${ES_PATH_CONF:-$home/config}"
