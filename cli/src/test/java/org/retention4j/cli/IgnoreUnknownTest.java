package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.copyOf;
import static org.retention4j.cli.Commands.golden;
import static org.retention4j.cli.Commands.ids;
import static org.retention4j.cli.Commands.ok;
import static org.retention4j.cli.Commands.refuses;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Keys that nobody knows: refused by every command, unless it is told that they do not matter. */
class IgnoreUnknownTest {
  private static final String IGNORED = "retention: ignored: use_something = true";

  @TempDir private Path folder;

  private Path model;

  @BeforeEach
  void copy() throws IOException {
    model = copyOf("fla-f32", folder.resolve("model"));
    add("\"use_something\":true,\"nobody_knows\":[1]");
  }

  private void add(String keys) throws IOException {
    Path config = model.resolve("config.json");
    String json = Files.readString(config);
    Files.writeString(config, json.replaceFirst("\\{", "{" + keys + ","));
  }

  private List<String> commands() throws IOException {
    Path ids = ids(folder.resolve("ids.npy"), 1, 2, 3);
    Path text = Files.writeString(folder.resolve("text"), "ABC");
    return List.of(
        "info " + model,
        "logits --model " + model + " --ids " + ids + " --out " + folder.resolve("y.npy"),
        "generate --model " + model + " --prompt A --max-tokens 1",
        "perplexity --model " + model + " " + text,
        "verify --model " + model + " --tokens 2 --text " + text,
        "convert --from " + model + " --to " + folder.resolve("to"),
        "create --shape " + model.resolve("config.json") + " --out " + folder.resolve("new"));
  }

  @Test
  void everyCommandRefusesOrIgnores() throws IOException {
    for (String command : commands()) {
      refuses(command, "got use_something = true; where it changes nothing, --ignore-unknown");
      Commands.Result result = ok(command + " --ignore-unknown");
      if (!command.startsWith("create")) {
        assertThat(result.errors()).as(command).contains(IGNORED);
      }
    }
    assertThat(folder.resolve("to/config.json")).content().contains("use_something");
  }

  @Test
  void infoListsThem() {
    assertThat(ok("info --ignore-unknown " + model).out().lines())
        .filteredOn(line -> line.startsWith("unknown key "))
        .hasSize(2)
        .satisfiesExactly(
            line -> assertThat(line).endsWith(" nobody_knows = [1], not read"),
            line -> assertThat(line).endsWith(" use_something = true, not read"));
    assertThat(ok("info " + golden("torchscale-f32")).out()).doesNotContain("unknown key");
  }

  /** What is known to change the mathematics is not to be waved through. */
  @Test
  void knownKeysAreRefusedAllTheSame() throws IOException {
    add("\"use_ffn_rms_norm\":true");
    refuses("info --ignore-unknown " + model, "use_ffn_rms_norm = true, which is not supported");
  }

  @Test
  void theOptionSaysWhenItHasNoEffect() {
    String none = "retention: --ignore-unknown has no effect: ";
    assertThat(ok("info --ignore-unknown " + golden("fla-f32")).errors())
        .contains(none + "no key of config.json would be refused");
    // What is there already ends it before anything is written.
    assertThat(Commands.run("create --ignore-unknown --shape 125m --out " + model).errors())
        .contains(none + "a shape by name has no keys");
  }
}
