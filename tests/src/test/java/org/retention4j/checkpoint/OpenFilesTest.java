package org.retention4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Npy;

/** Files are closed, whether what is in them could be read or not; Linux tells which are open. */
@EnabledOnOs(OS.LINUX)
class OpenFilesTest {
  private static final String SINGLE = "model.safetensors";

  @TempDir private Path folder;

  @BeforeEach
  void copyGolden() throws IOException {
    for (String name : List.of("config.json", SINGLE)) {
      Files.copy(Npy.path("/golden/model/fla-f32").resolve(name), folder.resolve(name));
    }
  }

  /** Returns the names of the folder's files that this process holds open. */
  private Set<String> open() throws IOException {
    Path real = folder.toRealPath();
    Set<String> open = new TreeSet<>();
    List<Path> all = new ArrayList<>();
    try (var descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      descriptors.forEach(all::add);
    }
    for (Path descriptor : all) {
      try {
        Path target = Files.readSymbolicLink(descriptor);
        if (target.startsWith(real)) {
          open.add(real.relativize(target).toString());
        }
      } catch (NoSuchFileException e) {
        // Another thread closed it.
      }
    }
    return open;
  }

  @Test
  void aModelsFileIsOpenWhileItIsRead() throws IOException {
    Checkpoint checkpoint = Checkpoint.open(folder);
    try (CheckpointFiles files = CheckpointFiles.open(checkpoint.folder())) {
      assertThat(files.names()).isNotEmpty();
      assertThat(open()).containsExactly(SINGLE);
    }
    assertThat(open()).isEmpty();
    try (CheckpointParts parts = checkpoint.parts()) {
      assertThat(parts.embed(new int[1], Engines.plain())).hasDimensions(1, 64);
      assertThat(open()).containsExactly(SINGLE);
    }
    assertThat(open()).isEmpty();
    checkpoint.load(Engines.plain(), LoadOptions.DEFAULT).close();
    assertThat(checkpoint.weightBytes(WeightChoice.FILE, ElementType.FLOAT32)).isPositive();
    assertThat(open()).isEmpty();
  }

  @Test
  void aFileThatIsRefusedIsClosed() throws IOException {
    byte[] whole = Files.readAllBytes(folder.resolve(SINGLE));
    Files.write(folder.resolve(SINGLE), java.util.Arrays.copyOf(whole, whole.length - 1));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> CheckpointFiles.open(folder).close());
    assertThat(open()).isEmpty();
  }

  @Test
  void shardsAreClosedWhereOneIsRefused() throws IOException {
    Files.move(folder.resolve(SINGLE), folder.resolve("1.safetensors"));
    Files.writeString(
        folder.resolve("model.safetensors.index.json"),
        "{\"weight_map\":{\"lm_head.weight\":\"1.safetensors\"}}");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> CheckpointFiles.open(folder).close())
        .withMessageContaining("expected only tensors");
    assertThat(open()).isEmpty();
  }

  @Test
  void aModelThatDoesNotFitIsClosed() throws IOException {
    Path config = folder.resolve("config.json");
    Files.writeString(
        config, Files.readString(config).replace("\"vocab_size\": 97", "\"vocab_size\": 96"));
    Checkpoint checkpoint = Checkpoint.open(folder);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> checkpoint.parts().close())
        .withMessageContaining("model.embeddings.weight of shape [96, 64]");
    assertThat(open()).isEmpty();
  }
}
