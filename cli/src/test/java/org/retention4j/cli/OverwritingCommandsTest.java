package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.golden;
import static org.retention4j.cli.Commands.ok;
import static org.retention4j.cli.Commands.refuses;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.checkpoint.format.NpyFile;

/** What a command did not make, it replaces where it is told to and nowhere else. */
class OverwritingCommandsTest {
  private static final String NOTES = "three weeks of notes";

  @TempDir private Path folder;

  private Path project(String... files) throws IOException {
    Path project = Files.createDirectory(folder.resolve("project"));
    for (String file : files) {
      Files.writeString(project.resolve(file), NOTES);
    }
    return project;
  }

  @Test
  void convertKeepsAProjectsFiles() throws IOException {
    Path from = Commands.copyOf("fla-f32", folder.resolve("from"));
    Files.writeString(from.resolve("README.md"), "the model's card");
    Path project = project("README.md", "LICENSE");
    String line = "convert --from " + from + " --to " + project + " --dtype bf16";
    refuses(line, "README.md (--force replaces what is there)");
    assertThat(project).isDirectoryNotContaining("glob:**{config.json,model.safetensors}");
    assertThat(project.resolve("README.md")).hasContent(NOTES);
    ok(line + " --force");
    assertThat(project.resolve("README.md")).hasContent("the model's card");
    assertThat(project.resolve("LICENSE")).hasContent(NOTES);
    refuses(line, "without a checkpoint");
    assertThat(ok("info " + project).out()).contains("weights in BF16");
    refuses("convert --force --from " + from + " --to " + from, "another folder");
  }

  /** There --force would help nothing. */
  @Test
  void aLinkThatLeadsNowhereIsNamed() throws IOException {
    Path link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("gone"));
    for (String force : new String[] {"", " --force"}) {
      String line = "convert --from " + golden("fla-f32") + " --to " + link + force;
      refuses(line, "that leads to nothing: make what it names, or remove it");
      assertThat(Commands.run(line).errors()).doesNotContain("--force");
    }
    assertThat(folder.resolve("gone")).doesNotExist();
  }

  @Test
  void createKeepsACheckpoint() throws IOException {
    Path shape =
        Files.writeString(
            folder.resolve("shape.json"),
            "{\"model_type\":\"retnet\",\"hidden_size\":32,\"num_heads\":2,"
                + "\"num_hidden_layers\":1,\"vocab_size\":50}");
    Path project = project("README.md", "config.json");
    String line = "create --shape " + shape + " --out " + project;
    refuses(line, "config.json (--force replaces what is there)");
    assertThat(project.resolve("config.json")).hasContent(NOTES);
    assertThat(project.resolve("model.safetensors")).doesNotExist();
    ok(line + " --force");
    ok("info " + project);
    assertThat(project.resolve("README.md")).hasContent(NOTES);
    refuses("create --shape " + shape + " --out /proc/none", "/proc takes no folders");
  }

  @Test
  void logitsKeepsAFile() throws IOException {
    Path notes = project("notes").resolve("notes");
    String ids = golden("fla-f32") + "/input_ids.npy";
    String line = "logits --model " + golden("fla-f32") + " --ids " + ids + " --out " + notes;
    refuses(line, "notes, which is there already (--force replaces what is there)");
    assertThat(notes).hasContent(NOTES);
    ok(line + " --force");
    assertThat(NpyFile.read(notes).shape()).hasSize(3);
    assertThat(notes.getParent()).isDirectoryNotContaining("glob:**.tmp");
  }

  /** A folder that the conversion made was none of what it might have taken along. */
  @Test
  void convertDoesNotNameItsOwnFolder() throws IOException {
    Path from = Commands.copyOf("fla-f32", folder.resolve("from"));
    Files.createDirectory(from.resolve("notes"));
    Commands.Result result = ok("convert --from " + from + " --to " + from + "/half");
    assertThat(result.errors()).contains("not taken along: notes").doesNotContain("half");
  }
}
