# Starts one broker. The pod's name determines the settings that differ between brokers.
set -euo pipefail
id=${POD_NAME##*-}
properties=/tmp/server.properties
{
  cat /etc/kafka-config/server.properties
  echo "node.id=$id"
  echo "advertised.listeners=PLAINTEXT://$POD_NAME.$DOMAIN:9092"
  # Only the first brokers are controllers too, so that additional brokers do not change the quorum.
  if [ "$id" -lt "$CONTROLLERS" ]; then
    echo "process.roles=broker,controller"
    echo "listeners=PLAINTEXT://:9092,CONTROLLER://:9093"
  else
    echo "process.roles=broker"
    echo "listeners=PLAINTEXT://:9092"
  fi
} >"$properties"
# Changes nothing if the volume is already formatted, and fails if it belongs to another cluster.
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted \
  --cluster-id "$CLUSTER_ID" --config "$properties"
# The agent must not run in the tools, which would open the same port.
export KAFKA_OPTS="${KAFKA_OPTS-} ${JAVA_AGENT-}"
exec /opt/kafka/bin/kafka-server-start.sh "$properties"
