package org.retention4j.cli.jvm;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The options that a virtual machine was started with.
 *
 * @param given those before {@code -jar}, word by word
 * @param effective those and what the environment and files of options add
 */
public record JvmOptions(List<String> given, List<String> effective) {
  /** Where a virtual machine finds options too. */
  public static final List<String> VARIABLES =
      List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS");

  /** Options that name a file of options. */
  private static final Pattern OF_A_FILE = Pattern.compile("@.*|-XX:(Flags|VMOptionsFile)=.*");

  /** Options that lay out the heap. */
  private static final Pattern OF_THE_HEAP =
      Pattern.compile(
          "-Xm[xsn].*|-XX:((Max|Min|Initial)(Heap|RAM)|(Max)?New|G1HeapRegion|InitiatingHeap)"
              + ".*");

  /**
   * Options of which only one virtual machine can, or should, have use: agents, ports, and whatever
   * writes to a file or to the terminal. Files that are only read are left out.
   */
  private static final Pattern OF_ONE =
      Pattern.compile(
          "-(agentlib:|agentpath:|javaagent:|Xrun|Xlog|verbose|Dcom\\.sun\\.management).*"
              + "|-(-?show-?version|XshowSettings.*|Xshare:dump)"
              + "|-XX:\\+?(Log|Print|Trace|AOTMode|AOTConfiguration|AOTCacheOutput).*"
              + "|-XX:(?!SharedArchiveFile|Flags|VMOptionsFile|CompileCommandFile).*"
              + "(Archive|Dump|File|Flight|ManagementServer|Path).*");

  /** Returns those of this virtual machine. */
  public static JvmOptions ofThisJvm() {
    List<String> words =
        Arrays.asList(ProcessHandle.current().info().arguments().orElse(new String[0]));
    int jar = words.indexOf("-jar");
    if (jar < 0) {
      List<String> all = ManagementFactory.getRuntimeMXBean().getInputArguments();
      return new JvmOptions(all, all);
    }
    List<String> given = List.copyOf(words.subList(0, jar));
    List<String> effective = new ArrayList<>(given);
    if (more(given, System.getenv())) {
      // The virtual machine has read them as only it does, with its quotes and escapes.
      effective.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    }
    return new JvmOptions(given, effective);
  }

  /** Asking the virtual machine itself takes a while: only where words do not say all. */
  public static boolean more(List<String> given, Map<String, String> environment) {
    return VARIABLES.stream().anyMatch(name -> !environment.getOrDefault(name, "").isBlank())
        || given.stream().anyMatch(option -> OF_A_FILE.matcher(option).matches());
  }

  /** Returns whether one of them lays out the heap. */
  public boolean layOutTheHeap() {
    return effective.stream().anyMatch(option -> OF_THE_HEAP.matcher(option).matches());
  }

  /** Returns one that a second virtual machine must not have too, if there is one. */
  public Optional<String> ofOne() {
    return effective.stream().filter(option -> OF_ONE.matcher(option).matches()).findFirst();
  }
}
