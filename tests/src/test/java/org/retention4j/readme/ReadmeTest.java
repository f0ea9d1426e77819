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
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.CheckpointWriter;
import org.retention4j.checkpoint.format.DType;

/**
 * What README.md, docs/library.md and docs/training.md show is compiled and run as it stands there.
 */
class ReadmeTest {
  private static final Path README = Path.of("..", "README.md");
  private static final Path LIBRARY = Path.of("..", "docs", "library.md");
  private static final Path TRAINING = Path.of("..", "docs", "training.md");
  private static final Pattern LINK = Pattern.compile("\\]\\(([^):#]+\\.md)\\)");

  @TempDir Path folder;

  @Test
  void theExampleCompilesAndRuns() throws Exception {
    compile("Example", blocks(README, "java").get(0));
    // D = 256 and 4 heads: K = 64, V = 128, fp32, and 16 pending rows of K + V per head.
    long bytes = 4L * 4 * (64 * 128 + 16 * (64 + 128));
    assertThat(run("Example")).contains("position 101, state " + bytes + " bytes");
  }

  @Test
  void theModelExampleLoadsPromptsAndStreams() throws Exception {
    compile("Continue", blocks(README, "java").get(1));
    Path model = model();
    String printed = run("Continue", model.toString(), "Once upon a time");
    // 16 bytes of prompt and 19 of the 20 tokens: the last is not read any more.
    assertThat(printed).contains("position 35, ");
    assertThat(printed.length()).isGreaterThan(20);
  }

  @Test
  void theBranchesExampleCompilesAndRuns() throws Exception {
    compile("Branches", blocks(LIBRARY, "java").get(3));
    assertThat(run("Branches", model().toString()))
        .contains("9 and 6 tokens", "5 and 5 tokens", "perplexity of 4 tokens: ");
  }

  @Test
  void theCoreExampleCompilesAndRuns() throws Exception {
    compile("Core", blocks(LIBRARY, "java").get(0));
    assertThat(run("Core")).contains("128 wide, 10 and 7");
  }

  @Test
  void thePackedExampleCompilesAndRuns() throws Exception {
    compile("Packed", blocks(LIBRARY, "java").get(1));
    assertThat(run("Packed")).contains("[1, 8, 64], position 4");
  }

  @Test
  void theFramesExampleCompilesAndRuns() throws Exception {
    compile("Frames", blocks(LIBRARY, "java").get(2));
    // 4 layers of 4 heads, K = V = 64, with 16 pending rows of K + V for each, in fp32.
    long bytes = 4L * 4 * 4 * (64 * 64 + 16 * (64 + 64));
    assertThat(run("Frames")).contains("600 frames, " + bytes + " bytes of state");
  }

  @Test
  void theTrainingExampleLearnsAndSpeaks() throws Exception {
    compile("Train", blocks(TRAINING, "java").get(0));
    Path text = folder.resolve("text");
    Files.writeString(text, "The quick brown fox jumps over the lazy dog.\n".repeat(100));
    List<String> printed = run("Train", text.toString()).lines().toList();
    assertThat(loss(printed.get(0), 1)).isBetween(5.0, 7.0); // ln 256 is 5.545
    assertThat(loss(printed.get(19), 20)).isLessThan(loss(printed.get(0), 1) - 0.5);
    assertThat(String.join("\n", printed.subList(20, printed.size()))).isNotEmpty();
  }

  private static double loss(String line, int step) {
    String before = "step " + step + ", loss ";
    assertThat(line).startsWith(before);
    return Double.parseDouble(line.substring(before.length()));
  }

  /** The lines of its method, and what it imports of ours beside the forms. */
  @Test
  void theFirstExampleIsShort() throws IOException {
    String example = blocks(README, "java").get(0);
    List<String> body = example.substring(example.indexOf("main(")).lines().skip(1).toList();
    assertThat(body.stream().filter(line -> line.strip().length() > 1))
        .hasSizeLessThanOrEqualTo(15);
    assertThat(example.lines().filter(line -> line.startsWith("import org.retention4j.")))
        .filteredOn(line -> !line.endsWith("Form;"))
        .hasSizeLessThanOrEqualTo(3);
  }

  @Test
  void theReadmeIsShort() throws IOException {
    assertThat(Files.readAllLines(README))
        .hasSizeLessThanOrEqualTo(150)
        .allMatch(line -> line.length() <= 120);
  }

  @Test
  void linksBetweenPagesLeadSomewhere() throws IOException {
    List<Path> pages = new ArrayList<>(List.of(README, Path.of("..", "CONTRIBUTING.md")));
    try (Stream<Path> docs = Files.list(LIBRARY.getParent())) {
      docs.forEach(pages::add);
    }
    for (Path page : pages) {
      LINK.matcher(Files.readString(page))
          .results()
          .forEach(link -> assertThat(page.resolveSibling(link.group(1))).exists());
    }
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
    assertThat(blocks(README, "sh")).hasSize(2).allMatch(b -> b.lines().count() == 1);
  }

  private static List<String> blocks(Path page, String language) throws IOException {
    Matcher matcher =
        Pattern.compile("^```" + language + "\n(.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL)
            .matcher(Files.readString(page));
    List<String> found = new ArrayList<>();
    while (matcher.find()) {
      found.add(matcher.group(1));
    }
    return found;
  }
}
