# Starts one broker. What differs between the brokers follows from the pod's name.
set -euo pipefail
id=${POD_NAME##*-}
properties=/tmp/server.properties
{
  cat /etc/kafka-config/server.properties
  echo "node.id=$id"
  echo "advertised.listeners=PLAINTEXT://$POD_NAME.$DOMAIN:9092"
  # Only the first brokers are controllers too, so that more brokers leave the quorum as it is.
  if [ "$id" -lt "$CONTROLLERS" ]; then
    echo "process.roles=broker,controller"
    echo "listeners=PLAINTEXT://:9092,CONTROLLER://:9093"
  else
    echo "process.roles=broker"
    echo "listeners=PLAINTEXT://:9092"
  fi
} >"$properties"
# Changes nothing where the volume was formatted before, and fails where it is another cluster's.
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted \
  --cluster-id "$CLUSTER_ID" --config "$properties"
# Not for the tools, which would look for the same port.
export KAFKA_OPTS="${KAFKA_OPTS-} ${JAVA_AGENT-}"
exec /opt/kafka/bin/kafka-server-start.sh "$properties"
