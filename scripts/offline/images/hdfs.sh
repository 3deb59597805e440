#!/bin/bash
# Stands in for the script of Hadoop's distribution that starts the parts of HDFS.
set -euo pipefail
conf=${HADOOP_CONF_DIR:-$HADOOP_HOME/etc/hadoop}
if [[ ${1-} == --config ]]; then
  conf=$2
  shift 2
fi
options=${HADOOP_CLIENT_OPTS-}
case ${1-} in
  namenode) class=org.apache.hadoop.hdfs.server.namenode.NameNode options=${HDFS_NAMENODE_OPTS-} ;;
  datanode) class=org.apache.hadoop.hdfs.server.datanode.DataNode options=${HDFS_DATANODE_OPTS-} ;;
  dfsadmin) class=org.apache.hadoop.hdfs.tools.DFSAdmin ;;
  haadmin) class=org.apache.hadoop.hdfs.tools.DFSHAAdmin ;;
  dfs) class=org.apache.hadoop.fs.FsShell ;;
  fsck) class=org.apache.hadoop.hdfs.tools.DFSck ;;
  balancer) class=org.apache.hadoop.hdfs.server.balancer.Balancer ;;
  getconf) class=org.apache.hadoop.hdfs.tools.GetConf ;;
  *) echo "hdfs ${1-} is not part of this stand-in" >&2 && exit 1 ;;
esac
shift
heap=${HADOOP_HEAPSIZE_MAX-}
# A number alone counts megabytes.
[[ ! $heap =~ ^[0-9]+$ ]] || heap+=m
# Words on purpose: each variable holds several options.
# shellcheck disable=SC2086
exec "$JAVA_HOME/bin/java" ${heap:+-Xmx$heap} "@$HADOOP_HOME/libexec/java.options" \
  "-Dhadoop.home.dir=$HADOOP_HOME" "-Dhadoop.log.dir=${HADOOP_LOG_DIR:-/tmp}" \
  "-Dhadoop.root.logger=${HADOOP_ROOT_LOGGER:-INFO,console}" \
  ${HADOOP_OPTS-} $options -cp "$conf:$HADOOP_HOME/share/hadoop:$HADOOP_HOME/share/hadoop/lib/*" \
  "$class" "$@"
