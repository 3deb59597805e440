# Starts the NameNode. Formats its volume once, if it is empty: never over existing data.
set -euo pipefail
name=/hadoop/dfs/name
if [ ! -e "$name/current/VERSION" ]; then
  if [ -d "$name" ] && [ -n "$(ls -A "$name")" ]; then
    echo "$name holds something, but no file system: look into it before anything is lost" >&2
    exit 1
  fi
  # Each format creates a new cluster id: DataNodes with blocks of a lost file system
  # refuse to serve a new one.
  /opt/hadoop/bin/hdfs namenode -format -nonInteractive
fi
export HDFS_NAMENODE_OPTS="${HDFS_NAMENODE_OPTS-} ${JAVA_AGENT-}"
exec /opt/hadoop/bin/hdfs namenode
