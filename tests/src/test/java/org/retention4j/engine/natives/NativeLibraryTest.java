package org.retention4j.engine.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Native code loads whoever asks first, and says what is wrong to all who ask. */
class NativeLibraryTest {
  @Test
  void whatTheCallerIsLikeMakesNoDifference() {
    Thread caller = Thread.currentThread();
    ClassLoader before = caller.getContextClassLoader();
    AtomicInteger loads = new AtomicInteger();
    NativeLibrary<String> library =
        new NativeLibrary<>(
            "a library",
            () -> {
              assertThat(Thread.currentThread()).isNotSameAs(caller);
              assertThat(Thread.currentThread().isInterrupted()).isFalse();
              assertThat(Thread.currentThread().getContextClassLoader())
                  .isSameAs(NativeLibrary.class.getClassLoader());
              loads.incrementAndGet();
              return "loaded";
            });
    try {
      caller.setContextClassLoader(null);
      caller.interrupt();
      assertThat(library.get()).isEqualTo("loaded");
      assertThat(Thread.interrupted()).isTrue();
      assertThat(caller.getContextClassLoader()).isNull();
    } finally {
      caller.setContextClassLoader(before);
    }
    assertThat(library.get()).isEqualTo("loaded");
    assertThat(loads).hasValue(1);
  }

  /** The virtual machine tells the cause of a failed initialiser once: later uses tell it too. */
  @Test
  void everyUseTellsTheFirstCause() {
    AtomicInteger loads = new AtomicInteger();
    UnsatisfiedLinkError first = new UnsatisfiedLinkError("no such\n symbol");
    NativeLibrary<String> library =
        new NativeLibrary<>(
            "a library",
            () -> {
              loads.incrementAndGet();
              throw new ExceptionInInitializerError(first);
            });
    for (int use = 0; use < 3; use++) {
      assertThatThrownBy(library::get)
          .isInstanceOf(NativeLibraryException.class)
          .hasMessageContainingAll("a library", "no such symbol", "-D" + LibraryFolder.PROPERTY)
          .hasMessageNotContaining("\n")
          .hasRootCause(first);
    }
    assertThat(loads).hasValue(1);
  }

  @Test
  void aFolderIsTriedBeforeItIsUsed(@TempDir Path folder) throws IOException {
    assertThat(LibraryFolder.problem(folder.resolve("a/b"))).isNull();
    assertThat(folder.resolve("a/b")).isEmptyDirectory();
    Path file = Files.createFile(folder.resolve("file"));
    assertThat(LibraryFolder.problem(file)).isEqualTo("cannot be written to");
    assertThat(LibraryFolder.problem(file.resolve("below"))).isEqualTo("cannot be written to");
  }
}
