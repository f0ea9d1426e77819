package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Names that differ only in case are one file on some disks, and two on others. */
class SessionNamesTest extends ServerFixture {
  @TempDir Path folder;

  @Test
  void onlyOneIsTaken() {
    Client client = client(OPTIONS.withSessions(folder));
    client.ok("/v1/sessions", "{\"name\":\"Emma\"}");
    assertThat(client.post("/v1/sessions", "{\"name\":\"emma\"}").status()).isEqualTo(409);
  }

  /** One would hide the other. */
  @Test
  void aFolderThatHasBothIsRefused() throws IOException {
    Files.createFile(folder.resolve("Emma.session"));
    assumeTrue(Files.notExists(folder.resolve("emma.session")), "this disk ignores case");
    Files.createFile(folder.resolve("emma.session"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> server(OPTIONS.withSessions(folder)))
        .withMessageContainingAll("differ in more than case", folder.toString());
    Files.delete(folder.resolve("emma.session"));
    assertThat(client(OPTIONS.withSessions(folder)).get("/v1/sessions/Emma").status())
        .isEqualTo(200);
  }
}
