package org.retention4j.server;

import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.retention4j.args.Shown;

/** Who may ask: who has the key, and no page of another site in a user's browser. */
final class Guard {
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");

  private final boolean local;
  private final String host;
  private final Optional<String> key;

  Guard(InetAddress address, ServerOptions options) {
    local = address.isLoopbackAddress();
    host = options.host().toLowerCase(Locale.ROOT);
    key = options.apiKey();
  }

  /** Refuses other sites: their names, though they may lead here, and their pages. */
  void requireSite(Request request) {
    String given = request.header("Host");
    if (local && given != null) {
      String name = given.toLowerCase(Locale.ROOT).replaceFirst(":\\d+$", "");
      if (!LOOPBACK.contains(name) && !name.equals(host)) {
        throw new HttpFailure(
            HttpFailure.FORBIDDEN,
            "wrong_host",
            "expected localhost as host, got " + Shown.name(given));
      }
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
