package org.retention4j.server;

import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.retention4j.args.Shown;

/** Who may ask: who has the key, and no page of another site in a user's browser. */
final class Guard {
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");

  /** An address, which unlike a name nobody else can let lead here. */
  private static final Pattern ADDRESS =
      Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}|\\[[0-9a-f:.]+(%[0-9a-z.]+)?]");

  private final boolean local;
  private final Set<String> hosts = new TreeSet<>(LOOPBACK);
  private final boolean anyName;
  private final Optional<String> key;

  Guard(InetAddress address, ServerOptions options) {
    local = address.isLoopbackAddress();
    hosts.add(options.host().toLowerCase(Locale.ROOT));
    options.hosts().forEach(host -> hosts.add(host.toLowerCase(Locale.ROOT)));
    key = options.apiKey();
    anyName = !local && key.isPresent() && options.hosts().isEmpty();
  }

  /** Refuses other sites: their names, though they may lead here, and their pages. */
  void requireSite(Request request) {
    String given = request.header("Host");
    if (given != null && !anyName) {
      requireHost(given);
    }
    String origin = request.header("Origin");
    // By https where a proxy stands in front.
    if (origin != null && !origin.replaceFirst("^https?://", "").equalsIgnoreCase(given)) {
      throw new HttpFailure(
          HttpFailure.FORBIDDEN,
          "wrong_origin",
          "expected requests of this server's own page or of none, got those of "
              + Shown.name(origin));
    }
  }

  /** A name of another site may lead to this machine: the site's pages could read what it says. */
  private void requireHost(String given) {
    String name = given.toLowerCase(Locale.ROOT).replaceFirst(":\\d+$", "");
    boolean address = !local && ADDRESS.matcher(name).matches();
    if (!address && !hosts.contains(name)) {
      throw new HttpFailure(
          HttpFailure.FORBIDDEN,
          "wrong_host",
          "expected a host among "
              + hosts
              + (local ? "" : ", or an address")
              + " (--allow-host adds one), got "
              + Shown.name(given));
    }
  }

  void requireKey(Request request) {
    if (key.isEmpty()) {
      return;
    }
    String given = request.header("Authorization");
    byte[] expected = ("Bearer " + key.get()).getBytes(StandardCharsets.UTF_8);
    if (given == null
        || !MessageDigest.isEqual(expected, given.getBytes(StandardCharsets.ISO_8859_1))) {
      throw new HttpFailure(
          HttpFailure.UNAUTHORIZED,
          "invalid_api_key",
          "expected the header 'Authorization: Bearer KEY' with this server's key, got "
              + (given == null ? "none" : "another"));
    }
  }
}
