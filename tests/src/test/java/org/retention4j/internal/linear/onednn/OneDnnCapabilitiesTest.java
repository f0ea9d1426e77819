package org.retention4j.internal.linear.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** What is found out about the processor, against what Linux says of it. */
@EnabledOnOs(OS.LINUX)
class OneDnnCapabilitiesTest {
  @BeforeAll
  static void isAsTheProcessorIs() {
    assumeThat(System.getenv("ONEDNN_MAX_CPU_ISA")).isNull();
    assumeThat(System.getProperty("os.arch")).isEqualTo("amd64");
  }

  private static Set<String> flags() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
      if (line.startsWith("flags")) {
        return Set.of(line.substring(line.indexOf(':') + 1).strip().split(" +"));
      }
    }
    throw new AssertionError("/proc/cpuinfo names no flags");
  }

  @Test
  void knowsTheProcessor() throws IOException {
    Set<String> flags = flags();
    assertThat(OneDnnCapabilities.bfloat16()).isEqualTo(flags.contains("avx512_bf16"));
    assertThat(OneDnnCapabilities.int8())
        .isEqualTo(flags.contains("avx512_vnni") || flags.contains("avx_vnni"));
  }
}
