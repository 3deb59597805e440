import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.apache.lucene.util.Version;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.xcontent.XContentBuilder;

/** Answers GET and HEAD of the root, by which clients know the server: Maven lacks the module that does. */
public final class RootPlugin extends Plugin implements ActionPlugin {
  @Override
  public List<RestHandler> getRestHandlers(
      RestHandlersServices services,
      Supplier<DiscoveryNodes> nodes,
      Predicate<NodeFeature> features) {
    Settings settings = new Settings(services);
    return List.of(new Root(settings));
  }

  private record Settings(String node, String cluster) {
    Settings(RestHandlersServices services) {
      this(services.settings().get("node.name"), services.settings().get("cluster.name"));
    }
  }

  private static final class Root extends BaseRestHandler {
    private final Settings settings;

    Root(Settings settings) {
      this.settings = settings;
    }

    @Override
    public String getName() {
      return "root_action";
    }

    @Override
    public List<Route> routes() {
      return List.of(
          new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/"));
    }

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
      return channel -> {
        Build build = Build.current();
        XContentBuilder body = channel.newBuilder().startObject();
        body.field("name", settings.node()).field("cluster_name", settings.cluster());
        body.startObject("version")
            .field("number", build.version())
            .field("build_flavor", build.flavor())
            .field("build_type", build.type().displayName())
            .field("lucene_version", Version.LATEST.toString())
            .endObject();
        channel.sendResponse(new RestResponse(RestStatus.OK, body.endObject()));
      };
    }
  }
}
