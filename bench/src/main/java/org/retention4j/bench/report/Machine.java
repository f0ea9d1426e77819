package org.retention4j.bench.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.stream.Stream;
import org.bytedeco.dnnl.dnnl_version_t;
import org.bytedeco.dnnl.global.dnnl;

/**
 * Where rows were measured.
 *
 * @param commit of the sources, with "-dirty" when they were changed; "unknown" outside a checkout
 * @param jdk version of the virtual machine
 * @param onednn version
 * @param isa the instruction set that oneDNN uses
 * @param threads of the engines
 * @param arch instruction set architecture
 * @param cpu model name
 * @param os name and version
 * @param heapMax largest heap in bytes
 */
public record Machine(
    String commit,
    String jdk,
    String onednn,
    String isa,
    int threads,
    String arch,
    String cpu,
    String os,
    long heapMax) {
  private static final String GIT = "/org/retention4j/bench/git.properties";

  /** Looks at this machine. */
  public static Machine current(int threads) {
    dnnl_version_t version = dnnl.dnnl_version();
    return new Machine(
        readCommit(),
        System.getProperty("java.vm.version") + " " + System.getProperty("java.vm.vendor"),
        version.major() + "." + version.minor() + "." + version.patch(),
        isa(dnnl.dnnl_get_effective_cpu_isa()),
        threads,
        System.getProperty("os.arch"),
        field(Path.of("/proc/cpuinfo"), "model name"),
        System.getProperty("os.name") + " " + System.getProperty("os.version"),
        Runtime.getRuntime().maxMemory());
  }

  private static String readCommit() {
    try (InputStream in = Machine.class.getResourceAsStream(GIT)) {
      if (in == null) {
        return "unknown";
      }
      Properties git = new Properties();
      git.load(in);
      String id = git.getProperty("git.commit.id.abbrev", "unknown");
      return Boolean.parseBoolean(git.getProperty("git.dirty")) ? id + "-dirty" : id;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String isa(int code) {
    for (dnnl.cpu_isa isa : dnnl.cpu_isa.values()) {
      if (isa.value == code) {
        return isa.name();
      }
    }
    return "isa " + code;
  }

  /** Returns the process's largest resident size in bytes, or −1 where it is unknown. */
  public static long rssPeak() {
    String peak = field(Path.of("/proc/self/status"), "VmHWM");
    return peak.endsWith(" kB") ? 1024 * Long.parseLong(peak.substring(0, peak.length() - 3)) : -1;
  }

  private static String field(Path file, String name) {
    if (!Files.isReadable(file)) {
      return "unknown";
    }
    try (Stream<String> lines = Files.lines(file)) {
      return lines
          .filter(line -> line.startsWith(name))
          .map(line -> line.substring(line.indexOf(':') + 1).trim())
          .findFirst()
          .orElse("unknown");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
