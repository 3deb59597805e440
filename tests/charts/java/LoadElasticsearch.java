import java.nio.file.Path;
import java.util.Map;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.ClusterSettings;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.node.InternalSettingsPreparer;

/** Reads elasticsearch.yml of a folder as a node does, lets each setting that it knows read its value, and prints them. */
public class LoadElasticsearch {
  public static void main(String[] args) {
    LogConfigurator.configureESLogging();
    var home = Map.of("path.home", args[0]);
    var settings = InternalSettingsPreparer.prepareEnvironment(Settings.EMPTY, home, Path.of(args[0]), () -> "?").settings();
    var known = new ClusterSettings(settings, ClusterSettings.BUILT_IN_CLUSTER_SETTINGS);
    for (var key : settings.keySet()) {
      var setting = known.get(key);
      System.out.println(key + "=" + (setting == null ? settings.get(key) : setting.get(settings)));
    }
  }
}
