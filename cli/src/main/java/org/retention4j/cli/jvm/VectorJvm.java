package org.retention4j.cli.jvm;

import java.io.IOException;
import java.lang.module.ModuleFinder;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The virtual machine that a command deserves: with the Vector API, which a jar cannot ask for and
 * without which decoding is much slower, and with a heap laid out for the weights that lie on it,
 * unless an option says something of the heap. The launcher starts it at once; from a bare {@code
 * java -jar} it is a second one. {@code -Dretention.relaunch=false} leaves it at the first.
 */
public final class VectorJvm {
  private static final String MODULE = "jdk.incubator.vector";
  private static final String SWITCH = "retention.relaunch";

  /** Commands that compute nothing. */
  private static final Set<String> LIGHT = Set.of("info", "--help", "-h", "--version", "-V");

  /** By this a second virtual machine knows the process of the first, which it ends with. */
  public static final String FIRST = "retention.first";

  /**
   * Room for weights in half of the memory; small regions, since a matrix takes whole ones; little
   * garbage, for there is little to collect; and no marking of what lives, whose bitmaps take a
   * 32nd of the heap.
   */
  public static final List<String> HEAP =
      List.of(
          "-XX:MaxRAMPercentage=50",
          "-XX:G1HeapRegionSize=1m",
          "-XX:MaxNewSize=256m",
          "-XX:InitiatingHeapOccupancyPercent=100");

  private VectorJvm() {}

  /** Returns whether a second virtual machine would have what this one lacks for a command. */
  public static boolean wanted(String[] args) {
    String jar = System.getProperty("java.class.path", "");
    return args.length > 0
        && !LIGHT.contains(args[0])
        && jar.endsWith(".jar")
        && !jar.contains(System.getProperty("path.separator"))
        && Boolean.parseBoolean(System.getProperty(SWITCH, "true"))
        && ModuleLayer.boot().findModule(MODULE).isEmpty()
        && ModuleFinder.ofSystem().find(MODULE).isPresent();
  }

  /**
   * Returns why the command goes on in this virtual machine after all, if there is a reason.
   *
   * @param encoding what a process is started with, see {@link #encoding()}
   */
  public static Optional<String> refusal(JvmOptions options, String[] args, Charset encoding) {
    Optional<String> ofOne = options.ofOne();
    if (ofOne.isPresent()) {
      return Optional.of(ofOne.get() + " is for one virtual machine");
    }
    List<String> words = new ArrayList<>(options.given());
    words.addAll(Arrays.asList(args));
    Charset locale = Arguments.encoding();
    return words.stream()
        .filter(word -> !new String(word.getBytes(encoding), locale).equals(word))
        .findFirst()
        .map(word -> "-Dfile.encoding=" + encoding + " would make another text of '" + word + "'");
  }

  /** Returns how this Java hands the words of a command to a process. */
  public static Charset encoding() {
    return Runtime.version().feature() < 18 ? Charset.defaultCharset() : Arguments.encoding();
  }

  /** Returns a command with the same options, some for the heap, and the module. */
  public static List<String> command(
      Path home, JvmOptions options, Path jar, String[] args, long first) {
    List<String> command = new ArrayList<>();
    command.add(home.resolve("bin").resolve("java").toString());
    command.addAll(options.given());
    if (!options.layOutTheHeap()) {
      command.addAll(HEAP);
    }
    command.addAll(sharedClasses(jar));
    if (ownsOpenMp(args)) {
      command.add("-D" + SecondJvm.ONE_OPEN_MP_THREAD + "=true");
    }
    command.addAll(List.of("--add-modules", MODULE, "-D" + SWITCH + "=false"));
    command.addAll(List.of("-D" + FIRST + "=" + first, "-jar", jar.toString()));
    command.addAll(Arrays.asList(args));
    return command;
  }

  /** The benchmark asks for more OpenMP threads by itself. */
  public static boolean ownsOpenMp(String[] args) {
    return args.length == 0 || !args[0].equals("bench");
  }

  /**
   * Classes as the build has left them for its own Java, which loads them faster; another Java, or
   * another jar, does without and need not say so. A file that was cut off would end it.
   */
  private static List<String> sharedClasses(Path jar) {
    Path archive = jar.resolveSibling("retention.jsa");
    try {
      String size = Files.readString(jar.resolveSibling("retention.jsa.size")).strip();
      if (Files.isReadable(archive) && size.equals(Long.toString(Files.size(archive)))) {
        return List.of(
            "-XX:SharedArchiveFile=" + archive, "-Xlog:cds=off", "-Xlog:cds+dynamic=off");
      }
    } catch (IOException e) {
      // There is none, or none that can be read.
    }
    return List.of();
  }
}
