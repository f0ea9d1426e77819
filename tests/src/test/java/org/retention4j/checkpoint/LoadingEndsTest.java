package org.retention4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.forms.Engines;
import org.retention4j.model.LanguageModel;

/** Loading that is ended from outside: nothing of it stays. */
class LoadingEndsTest {
  private final Engine engine = Engines.vector();
  private final List<String> loaded = new ArrayList<>();
  private Checkpoint checkpoint;
  private long before;

  @BeforeEach
  void open() throws URISyntaxException {
    checkpoint =
        Checkpoint.open(
            Path.of(LoadingEndsTest.class.getResource("/golden/model/fla-bf16").toURI()));
    before = HeldMemory.liveBytes();
  }

  @AfterEach
  void nothingStaysAndItCanBeLoadedAgain() {
    assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
    checkpoint.load(engine, LoadOptions.DEFAULT).close();
  }

  /** Loads, with something done after the third tensor. */
  private LanguageModel load(Runnable third) {
    return checkpoint.load(
        engine,
        LoadOptions.DEFAULT.withProgress(
            (name, bytes) -> {
              loaded.add(name);
              if (loaded.size() == 3) {
                third.run();
              }
            }));
  }

  @Test
  void anInterruptEndsItBeforeTheNextTensor() {
    assertThatThrownBy(() -> load(() -> Thread.currentThread().interrupt()))
        .isInstanceOf(CancellationException.class)
        .hasMessageContaining("interrupted before model.layers.");
    assertThat(loaded).hasSize(3);
    assertThatThrownBy(() -> load(() -> {}))
        .isInstanceOf(CancellationException.class)
        .hasMessageContaining(checkpoint.folder().toString());
    assertThat(loaded).hasSize(3);
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void anInterruptEndsItBeforeTheTableToo() {
    try (CheckpointFiles files = CheckpointFiles.open(checkpoint.folder())) {
      WeightReader reader = new WeightReader(engine, files, LoadOptions.DEFAULT);
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> reader.table("model.embeddings.weight", 97, 64))
          .isInstanceOf(CancellationException.class)
          .hasMessage("interrupted before model.embeddings.weight was loaded");
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  /** Of all that is packed, once each, with what it takes. */
  @Test
  void aListenerIsToldOfEveryMatrix() {
    Map<String, Long> told = new LinkedHashMap<>();
    LoadOptions options = LoadOptions.DEFAULT.withProgress(told::put);
    try (CheckpointFiles files = CheckpointFiles.open(checkpoint.folder());
        LanguageModel model = checkpoint.load(engine, options)) {
      assertThat(told.keySet())
          .containsExactlyInAnyOrderElementsOf(
              files.names().stream().filter(name -> files.info(name).shape().size() == 2).toList());
      assertThat(told.values().stream().mapToLong(Long::longValue).sum())
          .isEqualTo(model.weightBytes());
    }
  }

  @Test
  void whateverAListenerThrowsEndsIt() {
    for (Throwable thrown : List.of(new IOException("checked"), new AssertionError())) {
      loaded.clear();
      assertThatThrownBy(() -> load(() -> LoadingEndsTest.<RuntimeException>sneak(thrown)))
          .isSameAs(thrown);
      assertThat(loaded).hasSize(3);
    }
  }

  @Test
  void nothingIsLoadedWithoutAnEngineOrOptions() {
    for (ThrowingCallable code :
        List.<ThrowingCallable>of(
            () -> checkpoint.load(null, LoadOptions.DEFAULT),
            () -> checkpoint.load(engine, null),
            () -> LoadOptions.DEFAULT.withWeights(null),
            () -> LoadOptions.DEFAULT.withProgress(null),
            () -> Checkpoint.open(null))) {
      assertThatIllegalArgumentException()
          .isThrownBy(code)
          .withMessageMatching("expected .*, got .*null.*");
    }
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void sneak(Throwable thrown) throws E {
    throw (E) thrown;
  }
}
