import java.util.TreeMap;
import kafka.server.KafkaConfig;
import org.apache.kafka.common.utils.Utils;

/** Reads a broker's file as a broker does, and prints each setting with the value that it has. */
public class LoadKafka {
  public static void main(String[] args) throws Exception {
    var config = new KafkaConfig(Utils.loadProps(args[0]));
    new TreeMap<String, Object>(config.values()).forEach((key, value) -> System.out.println(key + "=" + value));
  }
}
