import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.DFSConfigKeys;
import org.apache.hadoop.hdfs.HdfsConfiguration;

/** Reads a node's files as HDFS does, and prints what it makes of some settings, and all texts. */
public class LoadHdfs {
  public static void main(String[] files) throws Exception {
    var config = new HdfsConfiguration();
    for (var file : files) config.addResource(new Path(file));
    System.out.println("dfs.blocksize=" + config.getLongBytes(DFSConfigKeys.DFS_BLOCK_SIZE_KEY, -1));
    System.out.println("dfs.namenode.handler.count=" + config.getInt("dfs.namenode.handler.count", -1));
    System.out.println("dfs.client.use.datanode.hostname=" + config.getBoolean("dfs.client.use.datanode.hostname", true));
    for (var entry : config) System.out.println("text " + entry.getKey() + "=" + entry.getValue());
  }
}
