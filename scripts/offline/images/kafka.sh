#!/bin/bash
# Stands in for the scripts of Kafka's distribution. The name that it is called by says which is meant.
set -euo pipefail
home=/opt/kafka
heap=-Xmx256m logging=tools-log4j2.yaml
case ${0##*/} in
  kafka-server-start.sh) class=kafka.Kafka heap='-Xms1g -Xmx1g' logging=log4j2.yaml ;;
  kafka-storage.sh) class=kafka.tools.StorageTool ;;
  kafka-topics.sh) class=org.apache.kafka.tools.TopicCommand ;;
  kafka-configs.sh) class=kafka.admin.ConfigCommand ;;
  kafka-consumer-groups.sh) class=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
  kafka-get-offsets.sh) class=org.apache.kafka.tools.GetOffsetShell ;;
  kafka-broker-api-versions.sh) class=org.apache.kafka.tools.BrokerApiVersionsCommand ;;
  kafka-metadata-quorum.sh) class=org.apache.kafka.tools.MetadataQuorumCommand ;;
  kafka-reassign-partitions.sh) class=org.apache.kafka.tools.reassign.ReassignPartitionsCommand ;;
  kafka-leader-election.sh) class=org.apache.kafka.tools.LeaderElectionCommand ;;
  kafka-run-class.sh) class=$1 && shift ;;
  *) echo "${0##*/} is not part of this stand-in" >&2 && exit 1 ;;
esac
# Words on purpose: each variable holds several options.
# shellcheck disable=SC2086
exec "$JAVA_HOME/bin/java" ${KAFKA_HEAP_OPTS:-$heap} \
  ${KAFKA_JVM_PERFORMANCE_OPTS:--XX:MaxGCPauseMillis=20 -Djava.awt.headless=true} \
  ${KAFKA_LOG4J_OPTS:--Dlog4j2.configurationFile=$home/config/$logging} \
  ${KAFKA_OPTS-} -cp "$home/libs/*" "$class" "$@"
