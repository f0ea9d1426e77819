package org.retention4j.server;

import java.nio.file.Path;
import java.time.Duration;
import org.retention4j.engine.Engine;
import org.retention4j.model.LanguageModel;

/** A server in a process of its own, until it is killed: prints its port. */
final class ServerProgram {
  private ServerProgram() {}

  public static void main(String[] args) throws InterruptedException {
    ServerOptions options =
        ServerFixture.OPTIONS
            .withSessions(Path.of(args[0]))
            .withSaving(Duration.ofMillis(300), Duration.ofSeconds(1));
    try (Engine engine = ServerFixture.newEngine();
        LanguageModel model = ServerFixture.newModel(engine, 4);
        RetentionServer server = RetentionServer.start(ServerFixture.served(model), options)) {
      System.out.println(server.address().getPort());
      Thread.sleep(Long.MAX_VALUE);
    }
  }
}
