package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.refuses;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The model that comes with the command, served by it; and what its options refuse. */
class ServeCommandTest {
  private final HttpClient http = HttpClient.newHttpClient();

  @TempDir private Path folder;

  private String post(String url, String body) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url))
            .header("Authorization", "Bearer secret")
            .POST(BodyPublishers.ofString(body))
            .build();
    return http.send(request, BodyHandlers.ofString()).body();
  }

  @Test
  void servesUntilItIsAskedToEndAndSavesThen() throws Exception {
    Path sessions = folder.resolve("sessions");
    List<String> command =
        List.of(
            Processes.JAVA.toString(),
            "-Dretention.relaunch=false",
            "-jar",
            Processes.jar(folder.resolve("serve.jar")).toString(),
            "serve",
            "--model",
            "austen",
            "--port",
            "0",
            "--sessions",
            sessions.toString(),
            "--threads",
            "2");
    Process process =
        Processes.process(Map.of("RETENTION_API_KEY", "secret"), command)
            .redirectError(folder.resolve("errors").toFile())
            .start();
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String line = out.readLine();
      assertThat(line).startsWith("serving austen at http://127.0.0.1:");
      String root = line.substring("serving austen at ".length());
      assertThat(post(root + "v1/completions", "{\"prompt\":\"Emma\",\"max_tokens\":5}"))
          .contains("\"finish_reason\":\"length\"");
      post(root + "v1/sessions", "{\"name\":\"emma\"}");
      assertThat(post(root + "v1/sessions/emma/append", "{\"prompt\":\"Emma Woodhouse\"}"))
          .contains("\"position\":14", "\"saved_position\":null");
      HttpRequest keyless = HttpRequest.newBuilder(URI.create(root + "v1/models")).build();
      assertThat(http.send(keyless, BodyHandlers.ofString()).statusCode()).isEqualTo(401);
      process.destroy();
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isZero();
      assertThat(sessions.resolve("emma.session")).isRegularFile();
    } finally {
      process.destroyForcibly().waitFor();
    }
  }

  @Test
  void optionsAreChecked() {
    String serve = "serve --model austen --port 0 ";
    refuses(serve + "--sequences 0", "expected --sequences >= 1, got 0");
    refuses(serve + "--timeout 0", "expected --timeout >= 1, got 0");
    refuses(serve + "--session-memory -1", "expected --session-memory >= 0, got -1");
    refuses("serve --model austen --port 65536", "expected a port in 0..65535, got 65536");
    refuses("serve --port 0", "--model");
    refuses(serve + "--allow-host http://x", "expected hosts without scheme and port");
    refuses(serve + "--host no.such.host.invalid", "expected a host of this machine");
  }
}
