package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.cli.jvm.SecondJvm;

/** The second virtual machine ends with the first, and says nothing that was said. */
class SecondJvmTest {
  private static final String WARNING = "WARNING: Using incubator modules: jdk.incubator.vector\n";

  private static String copied(String errors) throws IOException {
    ByteArrayOutputStream to = new ByteArrayOutputStream();
    SecondJvm.copyErrors(new ByteArrayInputStream(errors.getBytes(StandardCharsets.UTF_8)), to);
    return to.toString(StandardCharsets.UTF_8);
  }

  @Test
  void theWarningIsNoNews() throws IOException {
    assertThat(copied(WARNING)).isEmpty();
    assertThat(copied(WARNING + "retention: é\n")).isEqualTo("retention: é\n");
    assertThat(copied(WARNING + WARNING)).isEqualTo(WARNING);
    assertThat(copied("another warning\n" + WARNING + "x")).isEqualTo("another warning\nx");
  }

  @Test
  void whatTheFirstHasSaidIsNoNews() throws IOException {
    String before =
        """
        NOTE: Picked up JDK_JAVA_OPTIONS: -Dx=y
        Picked up JAVA_TOOL_OPTIONS: -Da=é
        Picked up _JAVA_OPTIONS: -Dc=d
        """;
    assertThat(copied(before + WARNING + "retention: x\n")).isEqualTo("retention: x\n");
    assertThat(copied(WARNING + "Picked up a model\n")).isEqualTo("Picked up a model\n");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "W",
        "WARNING: something else\n",
        "WARNING: Using incubator",
        "WARNING: Using incubator modules: jdk.incubator.vector, another\n",
        "Picked",
        "Picked up no end of line",
        "é",
        "no end\rof a line",
        "\n\nx\n"
      })
  void everythingElseIsKept(String errors) throws IOException {
    assertThat(copied(errors)).isEqualTo(errors);
  }

  /** A bar that waits for its next step is seen, also before any line has ended. */
  @Test
  void nothingIsHeldBack() throws Exception {
    CountDownLatch seen = new CountDownLatch(10);
    ByteArrayOutputStream to =
        new ByteArrayOutputStream() {
          @Override
          public synchronized void write(byte[] bytes, int from, int count) {
            super.write(bytes, from, count);
            for (int i = 0; i < count; i++) {
              seen.countDown();
            }
          }

          @Override
          public synchronized void write(int value) {
            super.write(value);
            seen.countDown();
          }
        };
    Thread copying;
    try (PipedOutputStream writer = new PipedOutputStream()) {
      InputStream reader = new PipedInputStream(writer);
      copying = new Thread(() -> copy(reader, to));
      copying.start();
      writer.write("loading 1%".getBytes(StandardCharsets.UTF_8));
      writer.flush();
      assertThat(seen.await(10, TimeUnit.SECONDS)).isTrue();
      assertThat(to.toString(StandardCharsets.UTF_8)).isEqualTo("loading 1%");
    }
    copying.join();
  }

  private static void copy(InputStream from, ByteArrayOutputStream to) {
    try {
      SecondJvm.copyErrors(from, to);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts another virtual machine, as the command does, and waits for it. */
  static final class First {
    private First() {}

    public static void main(String[] args) throws Exception {
      long first = ProcessHandle.current().pid();
      System.exit(java("-Dretention.first=" + first, Second.class).inheritIO().start().waitFor());
    }
  }

  /** Says which process it is and works for a minute. */
  static final class Second {
    private Second() {}

    public static void main(String[] args) throws Exception {
      SecondJvm.endWithFirst();
      System.out.println(ProcessHandle.current().pid());
      Thread.sleep(60_000);
    }
  }

  /** As {@link Second}, and takes as long to end. */
  static final class Slow {
    private Slow() {}

    public static void main(String[] args) throws Exception {
      Runtime.getRuntime().addShutdownHook(new Thread(Slow::dawdle));
      Second.main(args);
    }

    private static void dawdle() {
      try {
        Thread.sleep(60_000);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static ProcessBuilder java(String option, Class<?> main, String... args) {
    List<String> command =
        List.of(
            Processes.JAVA.toString(),
            option,
            "-cp",
            System.getProperty("java.class.path"),
            main.getName());
    List<String> all = new ArrayList<>(command);
    all.addAll(List.of(args));
    return Processes.process(Map.of(), all);
  }

  /** SIGKILL leaves the first no time to stop the second. */
  @Test
  void theSecondEndsWithTheFirst() throws Exception {
    Process first = java("-Dx=y", First.class).start();
    try (BufferedReader out = first.inputReader(StandardCharsets.UTF_8)) {
      ProcessHandle second = ProcessHandle.of(Long.parseLong(out.readLine())).orElseThrow();
      first.destroyForcibly();
      assertThat(second.onExit().get(30, TimeUnit.SECONDS).isAlive()).isFalse();
    } finally {
      first.destroyForcibly();
    }
  }

  /** As when the first is killed before the second looks for it: its parent is another by then. */
  @Test
  void theSecondEndsWhereTheFirstHasEndedBefore() throws Exception {
    Process second = java("-Dretention.first=" + Integer.MAX_VALUE, Second.class).start();
    assertThat(second.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(second.exitValue()).isEqualTo(Main.BROKEN);
  }

  /** What is done at the end of a virtual machine may wait for what never comes. */
  @Test
  void theSecondEndsWhateverItsHooksDo() throws Exception {
    Process second = java("-Dretention.first=" + Integer.MAX_VALUE, Slow.class).start();
    assertThat(second.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(second.exitValue()).isEqualTo(Main.BROKEN);
  }

  @Test
  void theFirstLeavesAloneWhatHasNoFirst() throws Exception {
    Process only = java("-Dx=y", Second.class).start();
    try (BufferedReader out = only.inputReader(StandardCharsets.UTF_8)) {
      assertThat(Long.parseLong(out.readLine())).isEqualTo(only.pid());
      assertThat(only.waitFor(2, TimeUnit.SECONDS)).isFalse();
    } finally {
      only.destroyForcibly();
    }
  }
}
