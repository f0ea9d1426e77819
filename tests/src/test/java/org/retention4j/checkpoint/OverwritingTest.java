package org.retention4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.forms.Npy;

/** Checkpoints that are written into folders that are not empty. */
class OverwritingTest {
  @TempDir private Path folder;

  private Path from;
  private Path to;

  @BeforeEach
  void copyGolden() throws IOException {
    from = Files.createDirectory(folder.resolve("from"));
    to = folder.resolve("to");
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(Npy.path("/golden/model/fla-f32/" + name), from.resolve(name));
    }
  }

  private void convert(DType dtype, long shardBytes) {
    WriteOptions options = WriteOptions.DEFAULT.withShardBytes(shardBytes);
    CheckpointWriter.convert(
        Checkpoint.open(from), to, dtype == null ? options : options.withDType(dtype));
  }

  private static void put(Path folder, String... names) throws IOException {
    Files.createDirectories(folder);
    for (String name : names) {
      Files.writeString(folder.resolve(name), "three weeks of notes in " + name);
    }
  }

  private void holdsNotes(String... names) throws IOException {
    for (String name : names) {
      assertThat(to.resolve(name)).hasContent("three weeks of notes in " + name);
    }
    try (var files = Files.list(to)) {
      assertThat(files.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder(names);
    }
  }

  /** A project's own README stays what it was, and nothing is put beside it. */
  @ParameterizedTest
  @ValueSource(
      strings = {"README.md", "tokenizer.json", "config.json", "model-00002-of-00003.safetensors"})
  void filesOfTheFolderAreNotReplaced(String name) throws IOException {
    Files.writeString(from.resolve("README.md"), "the model's card");
    Files.writeString(from.resolve("tokenizer.json"), "{}");
    put(to, name, "other.txt");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> convert(DType.BF16, 50_000))
        .withMessageContainingAll(name, to.toString());
    holdsNotes(name, "other.txt");
  }

  /** What appears while gigabytes are written is seen at the end. */
  @Test
  void filesThatAppearMeanwhileAreNotReplaced() throws IOException {
    Files.writeString(from.resolve("README.md"), "the model's card");
    Files.createDirectory(to);
    WriteOptions options =
        WriteOptions.DEFAULT.withProgress(
            (name, bytes) -> {
              try {
                put(to, "README.md");
              } catch (IOException e) {
                throw new IllegalStateException(e);
              }
            });
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> CheckpointWriter.convert(Checkpoint.open(from), to, options))
        .withMessageContaining("README.md");
    holdsNotes("README.md");
  }

  /** No shard and no index of the old checkpoint remains beside the new one; all else does. */
  @ParameterizedTest
  @CsvSource({"20000, 5000000000", "5000000000, 20000", "20000, 60000"})
  void anOlderCheckpointIsReplacedWhole(long before, long after) throws IOException {
    Files.writeString(from.resolve("README.md"), "the model's card");
    convert(DType.BF16, before);
    put(to, "notes.txt", "README.md");
    Files.writeString(to.resolve("config.json"), "old");
    WriteOptions options = WriteOptions.DEFAULT.withShardBytes(after).withReplace(true);
    CheckpointWriter.convert(Checkpoint.open(from), to, options);
    Path fresh = folder.resolve("fresh");
    CheckpointWriter.convert(Checkpoint.open(from), fresh, options);
    Set<String> expected = new TreeSet<>(names(fresh));
    expected.add("notes.txt");
    assertThat(names(to)).isEqualTo(expected);
    for (String name : names(fresh)) {
      assertThat(to.resolve(name)).hasSameBinaryContentAs(fresh.resolve(name));
    }
    assertThat(to.resolve("notes.txt")).hasContent("three weeks of notes in notes.txt");
  }

  private static Set<String> names(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
    }
  }

  /** Shards of other names are those that the old index names, and no other files. */
  @Test
  void theOldIndexNamesTheOldShards() throws IOException {
    put(to, "part1.safetensors", "other.safetensors", "notes.txt");
    Path index = to.resolve("model.safetensors.index.json");
    Files.writeString(index, "{\"weight_map\":{\"a\":\"part1.safetensors\",\"b\":\"notes.txt\"}}");
    WriteOptions options = WriteOptions.DEFAULT.withReplace(true);
    CheckpointWriter.convert(Checkpoint.open(from), to, options);
    assertThat(names(to))
        .containsExactlyInAnyOrder(
            "config.json", "model.safetensors", "other.safetensors", "notes.txt");
    for (String broken :
        List.of("{", "{\"weight_map\":{\"c\":\"../from/model.safetensors\",\"d\":3}}")) {
      Files.writeString(index, broken);
      CheckpointWriter.convert(Checkpoint.open(from), to, options);
      assertThat(names(to))
          .containsExactlyInAnyOrder(
              "config.json", "model.safetensors", "other.safetensors", "notes.txt");
      assertThat(from.resolve("model.safetensors")).exists();
    }
  }

  /** Not even where it is asked: if the new one is not what was meant, both would be gone. */
  @Test
  void aCheckpointDoesNotReplaceItself() throws IOException {
    Path link = Files.createSymbolicLink(folder.resolve("link"), from);
    byte[] before = Files.readAllBytes(from.resolve("model.safetensors"));
    for (Path same : List.of(from, link, from.resolve("../from"))) {
      WriteOptions options = WriteOptions.DEFAULT.withDType(DType.BF16).withReplace(true);
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> CheckpointWriter.convert(Checkpoint.open(from), same, options))
          .withMessageContaining("another folder");
    }
    assertThat(Files.readAllBytes(from.resolve("model.safetensors"))).isEqualTo(before);
  }

  /** A folder of links, as the hub's cache makes them, whose files others use too. */
  @Test
  void linksAreReplacedAndNotWhatTheyPointTo() throws IOException {
    Files.createDirectory(to);
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.createSymbolicLink(to.resolve(name), from.resolve(name));
    }
    byte[] before = Files.readAllBytes(from.resolve("model.safetensors"));
    WriteOptions options = WriteOptions.DEFAULT.withDType(DType.BF16).withReplace(true);
    CheckpointWriter.convert(Checkpoint.open(from), to, options);
    assertThat(to.resolve("model.safetensors")).isRegularFile().isNotEmptyFile();
    assertThat(Files.isSymbolicLink(to.resolve("model.safetensors"))).isFalse();
    assertThat(Files.readAllBytes(from.resolve("model.safetensors"))).isEqualTo(before);
  }

  /** A folder in the place of a file that is copied last. */
  @Test
  void nothingStaysWhereATokenizerCannotBeCopied() throws IOException {
    Files.writeString(from.resolve("tokenizer.json"), "{}");
    Files.createDirectories(to.resolve("tokenizer.json"));
    for (boolean replace : new boolean[] {false, true}) {
      WriteOptions options =
          WriteOptions.DEFAULT.withShardBytes(50_000).withReplace(replace).withDType(DType.BF16);
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> CheckpointWriter.convert(Checkpoint.open(from), to, options))
          .withMessageContaining("tokenizer.json");
      assertThat(names(to)).containsExactly("tokenizer.json");
    }
  }

  /** Of a parent that had to be made for it nothing stays either. */
  @Test
  void foldersThatWereMadeGoAgain() throws IOException {
    to = folder.resolve("made/deep");
    WriteOptions options =
        WriteOptions.DEFAULT.withProgress(
            (name, bytes) -> {
              throw new IllegalStateException("enough");
            });
    assertThatIllegalStateException()
        .isThrownBy(() -> CheckpointWriter.convert(Checkpoint.open(from), to, options));
    assertThat(folder.resolve("made")).doesNotExist();
  }

  /** What a program leaves that is killed between setting aside and putting into place. */
  @Test
  void aCheckpointThatWasHalfReplacedIsToldFromNone() throws IOException {
    Files.move(from.resolve("config.json"), from.resolve(".config.json.1f.old"));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> Checkpoint.open(from))
        .withMessageContainingAll("got none", "was killed", ".config.json.1f.old");
  }
}
