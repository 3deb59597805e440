# Starts a DataNode, which clients reach by its pod's name.
set -euo pipefail
exec /opt/hadoop/bin/hdfs datanode "-Ddfs.datanode.hostname=$POD_NAME.$DOMAIN"
