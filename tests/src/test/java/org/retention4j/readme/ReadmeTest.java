package org.retention4j.readme;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.CheckpointWriter;
import org.retention4j.checkpoint.DType;

/** What README.md shows is compiled and run as it stands there. */
class ReadmeTest {
  private static final Path README = Path.of("..", "README.md");

  @TempDir Path folder;

  @Test
  void theExampleCompilesAndRuns() throws Exception {
    compile("Example", blocks("Use as a library", "java").get(0));
    // D = 256 and 4 heads: K = 64, V = 128, fp32, and 16 pending rows of K + V per head.
    long bytes = 4L * 4 * (64 * 128 + 16 * (64 + 128));
    assertThat(run("Example")).contains("position 101, state " + bytes + " bytes");
  }

  @Test
  void theModelExampleLoadsPromptsAndStreams() throws Exception {
    compile("Continue", blocks("Whole models", "java").get(0));
    Path model = model();
    String printed = run("Continue", model.toString(), "Once upon a time");
    // 16 bytes of prompt and 19 of the 20 tokens: the last is not read any more.
    assertThat(printed).contains("position 35, ");
    assertThat(printed.length()).isGreaterThan(20);
  }

  @Test
  void theBranchesExampleCompilesAndRuns() throws Exception {
    compile("Branches", blocks("Whole models", "java").get(1));
    assertThat(run("Branches", model().toString()))
        .contains("9 and 6 tokens", "5 and 5 tokens", "perplexity of 4 tokens: ");
  }

  private Path model() throws IOException {
    Path shape = folder.resolve("shape.json");
    Files.writeString(
        shape,
        "{\"model_type\":\"retnet\",\"hidden_size\":32,\"num_heads\":2,"
            + "\"num_hidden_layers\":2,\"vocab_size\":128}");
    Path model = folder.resolve("model");
    CheckpointWriter.writeRandom(
        Checkpoint.readConfig(shape), model, DType.BF16, 1, (name, bytes) -> {});
    return model;
  }

  private void compile(String name, String source) throws IOException {
    Path file = folder.resolve(name + ".java");
    Files.writeString(file, source);
    int status =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                null,
                "-proc:none",
                "-cp",
                System.getProperty("java.class.path"),
                "-d",
                folder.toString(),
                file.toString());
    assertThat(status).isZero();
  }

  private String run(String name, String... args) throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (URLClassLoader loader =
        new URLClassLoader(new URL[] {folder.toUri().toURL()}, getClass().getClassLoader())) {
      System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
      loader.loadClass(name).getMethod("main", String[].class).invoke(null, (Object) args);
    } finally {
      System.setOut(before);
    }
    return printed.toString(StandardCharsets.UTF_8);
  }

  @Test
  void theQuickStartHasExactlyTwoCommands() throws IOException {
    assertThat(blocks("Quick start", "sh")).hasSize(2).allMatch(b -> b.lines().count() == 1);
  }

  private static List<String> blocks(String heading, String language) throws IOException {
    String readme = Files.readString(README);
    String section = readme.substring(readme.indexOf("\n## " + heading + "\n") + 1);
    int end = section.indexOf("\n## ", 3);
    Matcher matcher =
        Pattern.compile("^```" + language + "\n(.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL)
            .matcher(end < 0 ? section : section.substring(0, end));
    List<String> found = new ArrayList<>();
    while (matcher.find()) {
      found.add(matcher.group(1));
    }
    return found;
  }
}
